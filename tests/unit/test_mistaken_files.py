"""A file of another kind is refused with the command that takes it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election
from retally_lab.boards.evidence import evidence, written

RECEIPT = b"c2sp.org/tlog-proof@v1\nindex 1\n"
SPLIT_VIEW = b'{"first":"","kind":"retally-split-view","proof":[],"root":"","second":""}'


@pytest.mark.parametrize(
    ("content", "said"), [(RECEIPT, "--receipt"), (SPLIT_VIEW, "retally evidence"), (b"a letter", "a-file: ")]
)
def test_what_adjudicate_does_not_take(content: bytes, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a-file"
    path.write_bytes(content)
    done = CliRunner().invoke(app, ["adjudicate", str(path)])
    assert done.exit_code == 3
    assert said in done.stderr
    assert ("This is" in done.stderr) == (content != b"a letter")


def test_a_pages_evidence_is_for_adjudicate(honest_election: Election, tmp_path: Path) -> None:
    (tmp_path / "policy").write_bytes(format_policy(honest_election.policy()))
    (tmp_path / "file").write_bytes(written(evidence(honest_election)))
    words = ["evidence", str(tmp_path / "file"), "--policy", str(tmp_path / "policy")]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 3
    assert "retally adjudicate" in done.stderr
