"""`python -m retally_reference URL|FOLDER --policy FILE`: exit code 0 PASS, 1 FAIL, 2 INCOMPLETE, 3 could not run."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from retally_reference.board import open_board
from retally_reference.canonical import Refusal
from retally_reference.verify import CHECKS, Report, verify_board

COLOURS = {"pass": "32", "fail": "1;31", "incomplete": "33", "not applicable": "2"}


def main(arguments: list[str] | None = None) -> int:
    """Runs the verifier; returns the exit code."""
    parser = argparse.ArgumentParser(prog="retally_reference", description="The reference verifier of Retally.")
    parser.add_argument("board", help="the board's address, or a folder with its files")
    parser.add_argument("--policy", required=True, type=Path, help="trust policy file")
    parser.add_argument("--kept", type=Path, help="folder with checkpoints accepted earlier")
    parser.add_argument("--receipt", type=Path, action="append", default=[], help="a voter's .tlog-proof")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    try:
        chosen = parser.parse_args(arguments)
    except SystemExit as done:
        return 3 if done.code else 0
    try:
        kept = [path.read_bytes() for path in sorted(chosen.kept.iterdir())] if chosen.kept else []
        receipts = [path.read_bytes() for path in chosen.receipt]
        report = verify_board(open_board(chosen.board), chosen.policy.read_bytes(), kept, receipts, _progress)
    except (OSError, Refusal) as problem:
        print(f"retally_reference: {problem}", file=sys.stderr)
        return 3
    if chosen.json:
        print(json.dumps(as_json(report), indent=2, ensure_ascii=False))
    else:
        show(report)
    return report.exit_code


def as_json(report: Report) -> dict[str, Any]:
    """The report as JSON values."""
    return {
        "verdict": report.verdict,
        "witnesses": report.witnesses,
        "election": report.election.hex(),
        "size": report.size,
        "checks": [{"check": check, "state": report.states[check], "notes": report.notes[check]} for check in CHECKS],
        "counts": report.counts,
        "reconciliation": report.reconciliation,
    }


def show(report: Report) -> None:
    """Checks, counts and verdict as text; coloured on a terminal only."""
    coloured = sys.stdout.isatty()
    print(*filter(None, (report.title, report.notice, f"election {report.election.hex()}", "")), sep="\n")
    for check in CHECKS:
        state = report.states[check]
        shown = f"\x1b[{COLOURS[state]}m{state:<14}\x1b[0m" if coloured else f"{state:<14}"
        notes = report.notes[check]
        print(f"{check}  {shown}  {notes[0] if notes else ''}".rstrip())
        for note in notes[1:]:
            print(" " * 21 + note)
    for unit in report.counts or []:
        print(f"\n{' + '.join(unit['districts'])}: {unit['state']}, {unit['counted']} ballots counted")
        for contest in unit["contests"]:
            print(f"  {contest['contest']}: {' '.join(str(count) for count in contest['counts'])}")
    if report.reconciliation:
        print()
        for name, value in report.reconciliation.items():
            print(f"{name:<12}{value:>12,}")
    print(f"\n{report.verdict}{'' if report.witnesses else ' · no witness'}")


def _progress(done: int, size: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done:,} of {size:,} entries read", end="" if done < size else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
