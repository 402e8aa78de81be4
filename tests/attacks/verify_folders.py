"""Verifies the boards in the folders named as arguments and prints, as JSON, engine and findings.

For tests that need another engine than the one of their own process: `python -m tests.attacks.verify_folders A B …`.
Each folder holds a board's files and its trust policy, `policy.txt`.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from retally_crypto.engine import choose_engine_from_environment, engine
from retally_crypto.policy_text import parse_policy
from retally_verify.board import FolderBoard
from retally_verify.run import verify_board

POLICY = "policy.txt"


def findings(folder: Path) -> dict[str, Any]:
    """Exit code, state of every check, and the first note of those that fail."""
    report = verify_board(FolderBoard(folder), parse_policy((folder / POLICY).read_bytes()))
    return {
        "exit code": report.exit_code,
        "states": {check.number: check.state for check in report.checks},
        "notes": {check.number: check.notes[0] for check in report.checks if check.state == "fail"},
    }


if __name__ == "__main__":
    choose_engine_from_environment()
    print(json.dumps({"engine": engine.NAME, "boards": {one: findings(Path(one)) for one in sys.argv[1:]}}))
