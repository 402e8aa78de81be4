"""What the web page writes down as evidence, `retally adjudicate` understands: two programs, one judgement."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from pathlib import Path

import pytest
from typer.testing import CliRunner

from retally_client.cli import app
from tests.own_vectors import vectors
from tests.web_verifier import WEB, node

FOUND = {
    "another root": "proves the board's operator at fault",
    "a board that grew from another history": "proves the board's operator and the witnesses witness-2 at fault",
    "a shorter board with another entry": "proves the board's operator and the witnesses witness-1, witness-3 at fault",
    "a kept checkpoint without a receipt": "proves the board's operator "
    "and the witnesses witness-1, witness-2, witness-3 at fault",
}


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    """By what the page met, the file that it offers; empty where it offers none."""
    program, runner = node(), WEB / "node_modules" / "vite-node" / "vite-node.mjs"
    if not runner.exists():
        pytest.skip("NOT TESTED: vite-node is missing (npm ci), so no evidence was written by the page's code")
    done = subprocess.run(
        [program, str(runner), "tests/voter/writeEvidence.ts"], cwd=WEB, capture_output=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return {name: b64decode(text) for name, text in json.loads(done.stdout).items()}


@pytest.mark.parametrize("name", FOUND)
def test_a_file_that_the_page_writes_is_understood(name: str, files: dict[str, bytes], tmp_path: Path) -> None:
    path, policy = tmp_path / "evidence.json", tmp_path / "policy"
    path.write_bytes(files[name])
    policy.write_text(vectors("board.json")["policy"])
    done = CliRunner().invoke(app, ["adjudicate", str(path), "--policy", str(policy), "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["verdict"] == FOUND[name]


def test_where_nobody_signed_twice_the_page_offers_no_file(files: dict[str, bytes]) -> None:
    assert {name for name, raw in files.items() if not raw} == {"the same board, grown"}
