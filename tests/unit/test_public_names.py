"""What the two packages offer by name is there, and the programs in their docstrings run."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest

import retally_crypto
import retally_verify
from retally_crypto.policy_text import format_policy
from retally_lab.boards.election import Election
from retally_lab.boards.places import board_folder
from scripts.trusted_base import DECIDES, groups, trusted_base


def program_of(package: ModuleType) -> str:
    """The first indented text of the docstring: from its first import to the next line of prose."""
    lines = (package.__doc__ or "").splitlines()
    first = next(at for at, line in enumerate(lines) if line.startswith("    "))
    end = next(at for at in range(first, len(lines)) if lines[at] and not lines[at].startswith("    "))
    return dedent("\n".join(lines[first:end]))


@pytest.mark.parametrize("package", [retally_crypto, retally_verify], ids=lambda package: package.__name__)
def test_every_public_name_is_there(package: ModuleType) -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError):
        getattr(package, "no_such_name")  # noqa: B009


@pytest.mark.parametrize("package", ["retally_crypto", "retally_verify"])
def test_a_package_that_is_only_named_reads_nothing(package: str) -> None:
    named = f"import sys, {package}; print([name for name in sys.modules if name.startswith('{package}.')])"
    done = subprocess.run([sys.executable, "-c", named], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_verifiers_program_verifies(
    honest_election: Election, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    board = board_folder(tmp_path / "board", honest_election.files())
    (tmp_path / "policy").write_bytes(format_policy(honest_election.policy()))
    monkeypatch.chdir(tmp_path)
    exec(program_of(retally_verify).replace("https://vote.example/elections/2027", str(board)), {})
    printed = capsys.readouterr().out
    assert printed.startswith("PASS\nV01 pass")
    assert "('south',)" in printed


def test_the_records_program_counts(honest_election: Election, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, object] = {
        "entries": honest_election.entries,
        "policy_file": format_policy(honest_election.policy()),
    }
    exec(program_of(retally_crypto), names)
    assert names["outcome"] == honest_election.record().outcome()
    assert capsys.readouterr().out.count("in force") == len(honest_election.entries) - 1


def test_who_verifies_trusts_no_more_than_it_takes() -> None:
    """What is not in the trusted base may be wrong without making a verdict wrong."""
    names = {module.name for module in trusted_base()}
    assert {"retally_verify.stages", "retally_crypto.rules.ballot", "retally_crypto.merkle"} <= names
    others = ("secret", "cluster", "mirroring", "following", "commands", "fetching", "console", "web_bundle")
    assert not {name for name in names for other in others if name.split(".")[-1] == other or ".secret" in name}


WRITERS = {
    "retally_crypto.entry_writing",
    "retally_crypto.policy_text",
    "retally_crypto.receipts",
    "retally_crypto.replay",
    "retally_crypto.tile_files",
    "retally_crypto.tile_proofs",
    "retally_crypto.tree_proofs",
    "retally_verify.durable_files",
    "retally_verify.report_document",
    "retally_verify.report_text",
}
"""What boards, voters and commands write and prove, and who only verifies never does."""


def test_a_verdict_needs_nothing_that_writes() -> None:
    assert all(find_spec(name) for name in WRITERS)
    assert not WRITERS & {module.name for module in trusted_base()}


def test_what_decides_can_be_read_in_an_afternoon() -> None:
    """1,442 lines of code when this was written; the groups leave no module out."""
    base = trusted_base()
    parts = {part.name: part for part in groups(base)}
    assert parts[DECIDES].code < 1_500
    assert sum(part.code for part in parts.values()) == sum(module.code for module in base)
