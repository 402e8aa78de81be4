"""Casting the re-enactment's ballots over HTTP, as so many voters would: encrypted, proved, sent, each receipt checked.

Many at once, because a server answers only when a batch is durable; ballots of one voter one after the other, because
each continues her chain.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from retally_client.api import BoardServer
from retally_crypto.ballots import FIRST
from retally_crypto.manifest import Manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.secret.encrypt import encrypt, prove_ballot
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_lab.replay import PlannedBallot

AT_ONCE = 48
"""Voters waiting for a receipt at the same time."""


@dataclass(frozen=True)
class Voter:
    """One voter's place: credential, its secret, and her ballot style's index in the manifest."""

    credential: bytes
    secret: bytes
    style: int


@dataclass(frozen=True)
class Cast:
    """A ballot on the board: its index and the hash the voter's next ballot continues from."""

    index: int
    body_hash: bytes


def cast_all(
    url: str,
    manifest: Manifest,
    policy: TrustPolicy,
    joint_key: bytes,
    voters: Sequence[Voter],
    ballots: Sequence[PlannedBallot],
    advance: Callable[[int], None],
) -> list[Cast]:
    """Casts all ballots in this order (a later one may overtake, never one of the same voter). Raises what a cast
    raises."""
    last: dict[int, Future[Cast]] = {}
    server = BoardServer(url)

    def cast_one(planned: PlannedBallot, before: Future[Cast] | None) -> Cast:
        voter = voters[planned.voter]
        # The one before was submitted earlier, so it is running or done: waiting for it cannot block the pool.
        previous = FIRST if before is None else before.result().body_hash
        options = len(manifest.contest(manifest.styles[voter.style].contests[0]).options)
        choices = [[int(option == planned.choice) for option in range(options)]]
        sealed = encrypt(
            manifest,
            policy.election_id,
            joint_key,
            voter.style,
            voter.credential,
            previous,
            choices,
            os.urandom(32),
        )
        entry = prove_ballot(sealed, voter.secret)
        receipt = parse_tlog_proof(server.cast(entry))
        checked = verify_tlog_proof(receipt, entry, policy.board, policy.witnesses, policy.quorum)
        advance(1)
        return Cast(checked.index, sealed.body_hash)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        futures: list[Future[Cast]] = []
        for planned in ballots:
            future = pool.submit(cast_one, planned, last.get(planned.voter))
            last[planned.voter] = future
            futures.append(future)
        return [future.result() for future in futures]
