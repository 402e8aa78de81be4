"""A verification that can be asked for its record after its files are gone, as tests do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from retally_crypto.policy import TrustPolicy
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.state import Credential
from retally_verify.board import Board
from retally_verify.progress import Progress
from retally_verify.reading import Workers
from retally_verify.report import Report
from retally_verify.run import verified


class Remembered(ElectionRecord):
    """A record with every credential in memory."""

    def __init__(self, record: ElectionRecord) -> None:
        super().__init__(record.state, record.findings, record.root)
        self._everyone = {name: record.find(name) for name in record.roll.everyone()}

    def find(self, credential: bytes) -> Credential | None:
        return self._everyone.get(credential)


@dataclass(frozen=True)
class RememberedReport(Report):
    """A report with the record that it was made from."""

    record: ElectionRecord | None = None


def verify_board(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    tell: Progress | None = None,
    signed_off: Path | None = None,
    workers: Workers | None = None,
) -> RememberedReport:
    """As `retally_verify.verify`, with the record."""
    with verified(board, policy, kept, receipts, tell, signed_off, workers) as done:
        members = {field.name: getattr(done.report, field.name) for field in fields(Report)}
        return RememberedReport(**members, record=None if done.record is None else Remembered(done.record))
