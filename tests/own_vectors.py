"""Our own vectors in docs/spec/vectors, and the boards in them as a verifier meets them.

Run as a program, this verifies every board with whichever engine RETALLY_ENGINE names, and prints what it finds.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retally_crypto.engine import choose_engine_from_environment, engine
from retally_crypto.policy_text import parse_policy
from retally_crypto.tile_files import bundles_of, encode_bundle
from retally_crypto.tiles import bundle_path
from retally_lab.boards.places import MemoryBoard
from retally_verify.report import Report
from retally_verify.run import verify_board

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "spec" / "vectors"


def vectors(name: str) -> Any:
    """A vector file."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


def unhex(*texts: str) -> bytes:
    """The bytes of hex members, one after the other."""
    return bytes.fromhex("".join(texts))


@dataclass(frozen=True)
class OwnBoard:
    """A board of the vectors, with what has to be found."""

    name: str
    policy: bytes
    files: dict[str, bytes]
    kept: tuple[bytes, ...]
    expected: dict[str, Any]


def own_boards() -> Iterator[OwnBoard]:
    """The honest board, then every other one."""
    honest = vectors("board.json")
    files = {path: b64decode(content) for path, content in honest["files"].items()}
    yield OwnBoard("an honest board", honest["policy"].encode(), files, (), honest["expected"])
    for board in vectors("tampered_boards.json")["boards"]:
        entries = [honest["entries"][one] if isinstance(one, int) else one for one in board["entries"]]
        files = {
            bundle_path(bundle): encode_bundle([text.encode() for text in entries[256 * bundle.index :][:256]])
            for bundle in bundles_of(len(entries))
        }
        files |= {path: b64decode(content) for path, content in board["files"].items()}
        for path in board["absent"]:
            files.pop(path, None)
        kept = tuple(text.encode() for text in board["kept"])
        yield OwnBoard(board["name"], board["policy"].encode(), files, kept, board["expected"])


def findings(report: Report) -> dict[str, Any]:
    """A report in the terms of the vectors."""
    notes = [note for check in report.failed for note in report.notes_of(check) if note.startswith("entry ")]
    outcome = report.outcome
    counts = None if outcome is None or outcome.counts is None else outcome.counts
    return {
        "verdict": report.verdict,
        "exit_code": report.exit_code,
        "states": {check.number: check.state for check in report.checks},
        "refused_index": int(notes[0].split()[1].rstrip(":")) if notes else None,
        "units": counts
        and [
            {
                "districts": list(unit.unit.districts),
                "state": unit.unit.state,
                "counted": unit.unit.counted,
                "contests": [{"contest": one.contest, "counts": list(one.counts)} for one in unit.contests],
            }
            for unit in counts
        ],
    }


def main() -> None:
    """What `retally verify` finds on every board, as one JSON document."""
    boards = {
        board.name: findings(verify_board(MemoryBoard(board.files), parse_policy(board.policy), board.kept))
        for board in own_boards()
    }
    json.dump({"engine": engine.NAME, "boards": boards}, sys.stdout)


if __name__ == "__main__":
    choose_engine_from_environment()
    main()
