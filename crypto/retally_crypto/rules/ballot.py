"""The rule for a ballot: which check a well-formed one falls under, if any (docs/spec 8.1: V04, V11, V10, V12).

This is the only place where it is decided. The server and whoever replays a board call it with facts from the entry
itself (`rules.v10_v13_ballots`), a verifier with rows it keeps on disk (`retally_crypto.chains`). What comes before it
is the entry's form (V09), without which there are no facts, and what comes after it is whether a point A was used
before (V13), for which one has to know every other ballot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from retally_crypto.rules.findings import Fault
from retally_crypto.rules.phases import Phase, out_of_phase

NO_BALLOT = bytes(32)
"""`previous` of a credential's first ballot."""


class BallotFacts(NamedTuple):
    """What is to be known of one well-formed ballot: its credential, its index on the board (`at`), its style's index,
    whether its proof holds, H(body), and `previous`. In this order they are a row of a range summary."""

    credential: bytes
    at: int
    style: int
    proven: bool
    body_hash: bytes
    previous: bytes


class Chain(NamedTuple):
    """What is to be known of a credential that is or was on the roll: its style's index, whether it is active, and
    H(body) of its last accepted ballot, NO_BALLOT if there is none."""

    style: int
    active: bool
    last: bytes


def rule_ballot(facts: BallotFacts, chain: Chain | None, phase: Phase, styles: Sequence[str]) -> Fault | None:
    """The first check that the ballot falls under, None if there is none.

    `chain` is its credential's, None for one that was never on the roll; `phase` is the board's at the ballot's index;
    `styles` are the names of the manifest's styles.
    """
    fault = before_the_proof(facts, chain, phase, styles)
    if fault is not None:
        return fault
    if not facts.proven:
        return Fault("V10", "the proof does not verify")
    return v12_chain(facts, chain)


def before_the_proof(facts: BallotFacts, chain: Chain | None, phase: Phase, styles: Sequence[str]) -> Fault | None:
    """The part of the rule that says nothing of the proof: for a ballot that falls here none need be verified."""
    if phase != "voting":
        return Fault("V04", out_of_phase("ballot", phase))
    return v11_credential_and_style(facts, chain, styles)


def v11_credential_and_style(facts: BallotFacts, chain: Chain | None, styles: Sequence[str]) -> Fault | None:
    """The credential is active on the roll and the ballot has its style."""
    if chain is None:
        return Fault("V11", "the credential is not on the roll")
    if not chain.active:
        return Fault("V11", "the credential was revoked or replaced")
    if facts.style != chain.style:
        return Fault("V11", f"the ballot's style is {styles[facts.style]}, the credential's is {styles[chain.style]}")
    return None


def v12_chain(facts: BallotFacts, chain: Chain | None) -> Fault | None:
    """`previous` is the hash of the credential's last accepted ballot, or zero."""
    last = NO_BALLOT if chain is None else chain.last
    if facts.previous == last:
        return None
    if last == NO_BALLOT:
        return Fault("V12", "previous is not zero, and the credential has no accepted ballot")
    return Fault("V12", "previous is not the last accepted ballot of this credential")
