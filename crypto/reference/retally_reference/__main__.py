"""`python -m retally_reference URL|FOLDER --policy FILE`: exit code 0 PASS, 1 FAIL, 2 INCOMPLETE, 3 could not run."""

import argparse
import json
import sys
from pathlib import Path

from retally_reference.board import open_board
from retally_reference.canonical import Refusal
from retally_reference.notes import LONGEST_NOTE
from retally_reference.report import COULD_NOT_RUN, PASS, Report, as_json, as_text, printable
from retally_reference.verify import verify_board

EVIDENCE = ".evidence"


def main(arguments: list[str] | None = None) -> int:
    """Runs the verifier; returns the exit code."""
    parser = argparse.ArgumentParser(prog="retally_reference", description="The reference verifier of Retally.")
    parser.add_argument("board", help="the board's address, or a folder with its files")
    parser.add_argument("--policy", required=True, type=Path, metavar="FILE", help="trust policy")
    parser.add_argument(
        "--kept", type=Path, metavar="FOLDER", help="checkpoints of this board accepted earlier; adds this one"
    )
    parser.add_argument(
        "--receipt", type=Path, action="append", default=[], metavar="FILE", help="a voter's .tlog-proof"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as done:
        return COULD_NOT_RUN if done.code else 0
    try:
        kept = _read_kept(chosen.kept) if chosen.kept else []
        receipts = [_read(path) for path in chosen.receipt]
        report = verify_board(open_board(chosen.board), _read(chosen.policy), kept, receipts, _progress)
        if chosen.kept:
            _keep(chosen.kept, report)
        _print(report, chosen.json)
    except (OSError, Refusal) as problem:
        return _could_not_run(str(problem))
    except KeyboardInterrupt:
        return _could_not_run("interrupted")
    except Exception as fault:
        # Python's own exit code for a fault is 1, which here would be a verdict.
        return _could_not_run(f"a fault of this program, not a verdict: {fault!r}")
    return report.exit_code


def _print(report: Report, as_document: bool) -> None:
    if as_document:
        print(json.dumps(as_json(report), indent=2))
    else:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="backslashreplace")
        print(*as_text(report, sys.stdout.isatty()), sep="\n")


def _could_not_run(reason: str) -> int:
    print(f"retally_reference: {printable(reason)}", file=sys.stderr)
    return COULD_NOT_RUN


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LONGEST_NOTE + 1)


def _read_kept(folder: Path) -> list[bytes]:
    if not folder.exists():
        return []
    return [_read(path) for path in sorted(folder.iterdir()) if path.is_file() and path.suffix != EVIDENCE]


def _keep(folder: Path, report: Report) -> None:
    """9.3: an accepted checkpoint, by size and root; one that contradicts the others, as evidence beside them."""
    if report.accepted:
        folder.mkdir(parents=True, exist_ok=True)
        suffix = ".checkpoint" if report.state_of("V02") == PASS else EVIDENCE
        path = folder / f"{report.size:016}-{report.root.hex()[:16]}{suffix}"
        if not path.exists():
            path.write_bytes(report.checkpoint)


def _progress(what: str, done: int, size: int) -> None:
    if sys.stderr.isatty():
        end = "" if done < size else "\n"
        print(f"\r{done:,} of {size:,} entries {what}", end=end, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
