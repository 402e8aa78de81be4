"""After a run: every acknowledged ballot is on the board where its receipt says, once, and the board's proofs hold."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.hammer.ballots import Trial
from benchmarks.hammer.hammer import Run
from retally_crypto.errors import Unusable
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_verify.board import open_board
from retally_verify.run import verified


@dataclass(frozen=True)
class Audited:
    """What was found: ballots acknowledged and on the board, and how many checks of the whole board failed."""

    acknowledged: int
    on_board: int
    failed: tuple[str, ...]


def audit(trial: Trial, address: str, runs: list[Run]) -> Audited:
    """Verifies every receipt, and the whole board as an auditor does. Raises Unusable at the first thing lost."""
    policy = trial.policy
    indices: set[int] = set()
    for cast in (cast for run in runs for cast in run.acknowledged):
        proof = parse_tlog_proof(cast.receipt or b"")
        verify_tlog_proof(proof, trial.ballots[cast.place], policy.board, (), 0)
        if proof.index in indices:
            raise Unusable(f"two ballots have receipts for index {proof.index}")
        indices.add(proof.index)
    with verified(open_board(trial.url(address)), policy) as done:
        report, record = done.report, done.record
        if record is None:
            raise Unusable(f"the board does not verify: {', '.join(report.failed)}")
        accepted = record.state.ballots.accepted
    if accepted < len(indices):
        raise Unusable(f"{len(indices)} ballots were acknowledged, {accepted} are on the board")
    return Audited(len(indices), accepted, report.failed)
