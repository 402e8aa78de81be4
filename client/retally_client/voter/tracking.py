"""What became of a ballot: by tracking code, by receipt, or by the voter's own codes, also for who abstained.

The whole board is verified first, so that "counts" means what every verifier would say and not what a server says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from retally_client.voter.watching import SeenBallot, WatchedBoard
from retally_crypto.entries import Ballot
from retally_crypto.policy import TrustPolicy
from retally_crypto.record import ElectionRecord
from retally_crypto.tracking import TrackingCode, tracking_code
from retally_verify.board import Board
from retally_verify.progress import Progress
from retally_verify.report import Report
from retally_verify.run import verified

State = Literal["counts", "superseded", "refused"]
Standing = Literal["active", "revoked or replaced", "not on the roll"]
Wanted = Callable[[Ballot], bool]


@dataclass(frozen=True)
class Tracked:
    """One ballot entry and what it is worth. `later` is the ballot that took its place, `reason` why it was refused."""

    index: int
    tracking_code: str
    state: State
    later: int | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Tracking:
    """All ballots that were asked for, in board order, and the verification they were found by.

    `closed` says whether voting is over, so that nothing can supersede a ballot any more. `credential` is what the
    board says of the credential that was asked for, None where none was, or where it could not be read to its end.
    """

    report: Report
    ballots: tuple[Tracked, ...]
    closed: bool = False
    credential: Standing | None = None

    @property
    def faults(self) -> tuple[str, ...]:
        """Every failed check with its first note, for a board that does not verify."""
        return tuple(
            f"{check.number}: {check.notes[0] if check.notes else check.title}"
            for check in self.report.checks
            if check.state == "fail"
        )


def with_code(code: TrackingCode) -> Wanted:
    """Ballots that have this tracking code."""
    return lambda ballot: code.matches(ballot.body_hash)


def with_body(body_hash: bytes) -> Wanted:
    """The ballot with this body."""
    return lambda ballot: ballot.body_hash == body_hash


def with_credential(credential: bytes) -> Wanted:
    """Every ballot cast with this credential."""
    return lambda ballot: ballot.credential == credential


def track(
    board: Board,
    policy: TrustPolicy,
    wanted: Wanted,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    tell: Progress | None = None,
    credential: bytes | None = None,
) -> Tracking:
    """Verify the whole board and say what became of the wanted ballots, and of a credential.

    Where the entries cannot be trusted to be the board's, no ballot is reported: `faults` say why. Raises Unreachable,
    and Malformed or BadProof if the board's tiles change meanwhile.
    """
    watched = WatchedBoard(board, policy.election_id, wanted)
    with verified(watched, policy, kept, receipts, tell) as done:
        report, record = done.report, done.record
        if record is None or report.head is None:
            return Tracking(report, ())
        standing = None if credential is None else _standing(record, credential)
        if record.manifest_faults:
            return Tracking(report, (), credential=standing)
        judged = tuple(_judged(watched.found(report.head), record))
        return Tracking(report, judged, record.closing_index is not None, standing)


def _standing(record: ElectionRecord, credential: bytes) -> Standing:
    if record.style_of(credential) is None:
        return "not on the roll"
    return "active" if record.is_active(credential) else "revoked or replaced"


def _judged(ballots: Sequence[SeenBallot], record: ElectionRecord) -> Iterator[Tracked]:
    """What each of them is worth. Anybody can put a ballot there many times: a credential is looked up once."""
    chains = {credential: record.ballots_of(credential) for credential in {one.credential for one in ballots}}
    accepted = {index for chain in chains.values() for index in chain}
    refused = {finding.index: finding for finding in reversed(record.findings) if finding.index not in accepted}
    for ballot in ballots:
        code = tracking_code(ballot.body_hash)
        if ballot.index not in accepted:
            ruling = refused[ballot.index]
            yield Tracked(ballot.index, code, "refused", reason=f"{ruling.check}: {ruling.reason}")
        elif chains[ballot.credential][-1] != ballot.index:
            yield Tracked(ballot.index, code, "superseded", later=chains[ballot.credential][-1])
        else:
            yield Tracked(ballot.index, code, "counts")
