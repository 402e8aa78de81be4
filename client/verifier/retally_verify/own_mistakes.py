"""A FAIL that may be the reader's own mistake and no fraud: another election's policy, or an older copy of the board.

The verdict stays what it is; this is said beside it, from what was found and never from the words of a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.entries import election_id
from retally_crypto.errors import RetallyError
from retally_verify.files import Board
from retally_verify.first_entry import first_entry
from retally_verify.report import Report


def own_mistake(report: Report, board: Board, kept: Sequence[bytes]) -> str | None:
    """What to look at first, for a report that fails at V01 to V03; None if nothing of the kind was found.

    `kept` are the checkpoints that earlier runs accepted.
    """
    if not {"V01", "V02", "V03"} & set(report.failed):
        return None
    with suppress(RetallyError, OSError):
        found = election_id(first_entry(board))
        if found != report.policy.election_id:
            return (
                "Perhaps this is another election's policy: it names election "
                f"{report.policy.election_id.hex()[:16]}…, and the board here begins with election "
                f"{found.hex()[:16]}…. Take the policy of the election you mean."
            )
    seen = max((size for size in (_size(raw, report) for raw in kept) if size is not None), default=0)
    if report.head is not None and report.head.size < seen:
        return (
            f"An earlier run saw {seen:,} entries of this board, and here are {report.head.size:,}. If this is an "
            "older copy of your own, bring it up to date with retally mirror; if it is what the board itself shows, "
            "entries were taken back."
        )
    return None


def _size(raw: bytes, report: Report) -> int | None:
    try:
        return verify_checkpoint(raw, report.policy.board).size
    except RetallyError:
        return None
