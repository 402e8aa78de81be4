"""From codes and choices to a ballot on the board: encrypt, then test *or* cast, then hold the receipt to the bytes
that were sent (docs/spec 5.6, 6.3 to 6.8, 9.2).

    secret, credential = credential_of(codes, election_id)
    ballot = prepare(context, standing, choices)     shows ballot.tracking_code, and only then asks the voter
    ballot.test()                                    reveals it; it can never be cast
    cast(server, ballot, secret, policy, keep)       proves it, keeps the entry, sends it, checks the receipt

A `PreparedBallot` gives out its opening or its proof, one of them, once. Seed and choices are forgotten with it. Python
cannot promise that no copy stays in this computer's memory until the program ends, or in its swap: do not vote on a
machine you would not trust with your vote.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from retally_client.api import BoardServer
from retally_client.voter.reading import Context, Standing
from retally_crypto.entries import Ballot, parse_entry
from retally_crypto.errors import Refused, Unusable
from retally_crypto.merkle import TreeHead
from retally_crypto.policy import TrustPolicy
from retally_crypto.receipts import verify_tlog_proof
from retally_crypto.secret.credentials import combine_secrets, parse_code, part_secret, public_part
from retally_crypto.secret.encrypt import SealedBallot, encrypt, prove_ballot
from retally_crypto.tlog_proof import parse_tlog_proof
from retally_crypto.tracking import tracking_code

FRESH_SEEDS = 8


@dataclass(frozen=True)
class Secret:
    """A voter's credential and the secret that proves ballots under it."""

    credential: bytes
    scalar: bytes = field(repr=False)


@dataclass(frozen=True)
class Receipt:
    """A checked receipt: these bytes prove that the ballot with this tracking code is entry `index` of the board.

    `head` is the tree head that the board signed for it; `witnessed` is False until a quorum cosigned that checkpoint.
    """

    raw: bytes = field(repr=False)
    index: int
    head: TreeHead
    tracking_code: str
    body_hash: bytes
    witnessed: bool
    quorum: int

    @property
    def state(self) -> str:
        """What the receipt is worth so far, for people."""
        if self.quorum == 0:
            return "recorded (this election has no witnesses)"
        return "recorded and witnessed" if self.witnessed else "recorded, not yet witnessed"


class PreparedBallot:
    """An encrypted ballot whose voter has seen the tracking code and has not chosen yet.

    Exactly one of `test` and `prove` can be called, once: a tested ballot never gets a proof, a cast one is never
    opened.
    """

    def __init__(self, sealed: SealedBallot) -> None:
        self.tracking_code = sealed.tracking_code
        self.body_hash = sealed.body_hash
        self._sealed: list[SealedBallot] = [sealed]

    def test(self) -> bytes:
        """The opening (6.8), which reveals the choices. Raises Refused if this ballot was tested or cast before."""
        return self._take().opening()

    def prove(self, scalar: bytes) -> bytes:
        """The entry to send. Raises Refused if this ballot was tested or cast before, or is not this secret's."""
        return prove_ballot(self._take(), scalar)

    def _take(self) -> SealedBallot:
        try:
            return self._sealed.pop()
        except IndexError:
            raise Refused("this ballot was tested or cast already: encrypt a new one") from None


def credential_of(codes: Sequence[str], election_id: bytes) -> Secret:
    """The credential that codes make, one from each registrar in the manifest's order (5.6).

    Raises Malformed for a mistyped code, without repeating it.
    """
    scalar = combine_secrets(
        [part_secret(parse_code(code), election_id, number) for number, code in enumerate(codes, start=1)]
    )
    return Secret(public_part(scalar), scalar)


def prepare(
    context: Context, standing: Standing, choices: Sequence[Sequence[int]], seed: bytes | None = None
) -> PreparedBallot:
    """Encrypt choices, one integer per option of every contest. A `seed` is for tests of this program only.

    Raises Refused, naming the limit, for choices that the ballot does not allow.
    """
    for _ in range(FRESH_SEEDS):
        try:
            return PreparedBallot(
                encrypt(
                    context.manifest,
                    context.election_id,
                    context.key,
                    standing.style,
                    standing.credential,
                    standing.previous,
                    choices,
                    os.urandom(32) if seed is None else seed,
                )
            )
        except Unusable:
            if seed is not None:
                raise
    raise Unusable(f"{FRESH_SEEDS} fresh seeds gave no ballot: this computer's randomness is broken, do not vote on it")


def cast(
    server: BoardServer,
    ballot: PreparedBallot,
    secret: Secret,
    policy: TrustPolicy,
    keep: Callable[[bytes], None] = lambda entry: None,
) -> Receipt:
    """Prove the ballot, hand the entry to `keep` (which stores it durably), send it, and check the receipt.

    If sending fails, what was kept can be sent again with `send`: the same bytes stand on the board once or not at
    all.
    """
    entry = ballot.prove(secret.scalar)
    keep(entry)
    return send(server, entry, policy)


def send(server: BoardServer, entry: bytes, policy: TrustPolicy) -> Receipt:
    """Send a ballot entry, perhaps again, and check its receipt. Raises Refused, Unusable, BadProof, BadSignature."""
    return check_receipt(server.cast(entry), entry, policy)


def check_receipt(raw: bytes, entry: bytes, policy: TrustPolicy) -> Receipt:
    """Hold a receipt to the entry's very bytes and to the policy's keys (9.2).

    Raises BadProof, BadSignature, Malformed or Refused. That too few witnesses have cosigned is no error, it is said.
    """
    ballot = parse_entry(entry, policy.election_id)
    if not isinstance(ballot, Ballot):
        raise Refused("this entry is not a ballot")
    verified = verify_tlog_proof(parse_tlog_proof(raw), entry, policy.board, policy.witnesses, policy.quorum)
    return Receipt(
        raw=raw,
        index=verified.index,
        head=verified.checkpoint.head,
        tracking_code=tracking_code(ballot.body_hash),
        body_hash=ballot.body_hash,
        witnessed=verified.cosigned,
        quorum=policy.quorum,
    )
