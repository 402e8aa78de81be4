"""Recomputing an election from its public files and a trust policy, and nothing else (docs/spec, pages 3, 8 and 9).

    from pathlib import Path
    from retally_verify import load_policy, open_board, verify

    policy = load_policy(Path("policy"))
    report = verify(open_board("https://vote.example/elections/2027"), policy)
    print(report.verdict)                       # PASS, FAIL or INCOMPLETE
    for check in report.checks:                 # V01 to V21, in order
        print(check.number, check.state, *check.notes)
    if report.outcome and report.outcome.counts:
        for unit in report.outcome.counts:      # recomputed, also where a check fails
            print(unit.unit.districts, unit.contests)

`report.findings` are what the checks fail for, as (index, check, reason): decide on these, and show the notes to
people. `report_json(report)` is the report as `retally-verify verify --json` prints it, in the shape of
`report.schema.json`.

    open_board(location)            a board at a URL or in a folder
    load_policy(path)               the trust policy in a file
    verify(board, policy)           every check: a Report, finished when it is returned
    verified(board, policy)         the same as a block, with the record for who has to ask more than a report says
    mirror(board, policy, folder)   a verified copy of the board's files, continued by the next call
    follow(board, policy, folder)   a copy that grows with the board, step by step, and alerts

Errors: Unreachable if a board does not answer, Unusable and OSError if a folder or file of one's own cannot be used,
Malformed for a policy that is none. What an adversary can write into a board's files raises nothing: it fails a check.
The group operations are the native engine's where it is installed; `retally_crypto.engine.choose_engine` chooses.

Names are imported when they are used, so that a command which only prints its help does not read the verifier.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retally_verify.board import open_board
    from retally_verify.files import Board, TooLong, Unreachable
    from retally_verify.following import follow
    from retally_verify.mirroring import mirror_board as mirror
    from retally_verify.policy_file import load_policy
    from retally_verify.report import Report
    from retally_verify.report_document import report_json
    from retally_verify.run import Verified, verified, verify

__all__ = [
    "Board",
    "Report",
    "TooLong",
    "Unreachable",
    "Verified",
    "follow",
    "load_policy",
    "mirror",
    "open_board",
    "report_json",
    "verified",
    "verify",
]

_PLACES = {
    "Board": ("files", "Board"),
    "Report": ("report", "Report"),
    "TooLong": ("files", "TooLong"),
    "Unreachable": ("files", "Unreachable"),
    "Verified": ("run", "Verified"),
    "follow": ("following", "follow"),
    "load_policy": ("policy_file", "load_policy"),
    "mirror": ("mirroring", "mirror_board"),
    "open_board": ("board", "open_board"),
    "report_json": ("report_document", "report_json"),
    "verified": ("run", "verified"),
    "verify": ("run", "verify"),
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, member = _PLACES[name]
    return getattr(import_module(f"{__name__}.{module}"), member)
