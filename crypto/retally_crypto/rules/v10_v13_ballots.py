"""V10 to V13: which ballots are accepted (6.4 to 6.7, 8.1).

Ballots are ruled in blocks. Form, phase and the roll come first, then one batch verification of all proofs that got
so far, then chains and repeated ciphertexts in board order, so that a chain settles inside its block and a ballot
with a bad proof extends no chain. The batch also finds malformed points; only its culprits are looked at again, to
tell a malformed ballot (V09) from a false proof (V10). A ballot that falls earlier is never in a batch, so its
encodings are looked at alone.
"""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.ballots import read_ballots, verify_ballots
from retally_crypto.entries import Ballot
from retally_crypto.rules.findings import Broken, CheckResult, Ruling, conclude, named
from retally_crypto.rules.state import NO_BALLOT, BoardState
from retally_crypto.rules.v04_order import v04_phase
from retally_crypto.rules.v09_form import v09_ballot_encodings, v09_ballot_form

NOT_ON_ROLL = "the credential is not on the roll"
FALSE_PROOF = "the proof does not verify"

Candidate = tuple[Ballot | None, Broken | None]
"""A ballot entry and why it falls, if it does; without a ballot it could not be read."""


def v10_proofs_of_block(state: BoardState, block: Sequence[bytes]) -> list[Candidate]:
    """Tests 1 to 4 of table 8.1 for ballot entries that follow one another, with one batch of proofs."""
    styles = [style.id for style in state.manifest.styles]
    read = read_ballots(block, state.ballot_forms, styles, state.election_id)
    candidates = [_before_the_proof(state, raw, ballot) for raw, ballot in zip(block, read, strict=True)]
    provable = [at for at, (_, broken) in enumerate(candidates) if broken is None]
    if not provable or state.joint_key is None:
        return candidates
    ballots = [ballot for ballot, broken in candidates if broken is None and ballot is not None]
    for culprit in verify_ballots(ballots, state.manifest, state.election_id, state.joint_key):
        candidates[provable[culprit]] = (ballots[culprit], _malformed_or_false(state, ballots[culprit]))
    return candidates


def _before_the_proof(state: BoardState, raw: bytes, ballot: Ballot | None) -> Candidate:
    if ballot is None:
        # No style's form: the parser says what is wrong.
        try:
            ballot = v09_ballot_form(raw, state.manifest, state.election_id)
        except Broken as broken:
            return None, broken
    try:
        v04_phase(state, ballot.kind)
        v11_credential_and_style(state, ballot)
    except Broken as broken:
        try:
            v09_ballot_encodings(ballot, state.manifest)
        except Broken as malformed:
            return ballot, malformed
        return ballot, broken
    return ballot, None


def _malformed_or_false(state: BoardState, ballot: Ballot) -> Broken:
    try:
        v09_ballot_encodings(ballot, state.manifest)
    except Broken as malformed:
        return malformed
    return Broken("V10", FALSE_PROOF)


def v11_credential_and_style(state: BoardState, ballot: Ballot) -> None:
    """The credential is active on the roll and the ballot has its style. Raises Broken."""
    credential = state.roll.credentials.get(ballot.credential)
    if credential is None:
        raise Broken("V11", NOT_ON_ROLL)
    if not credential.active:
        raise Broken("V11", "the credential was revoked or replaced")
    style = state.manifest.styles[credential.style].id
    if ballot.style != style:
        raise Broken("V11", other_style(ballot.style, style))


def other_style(of_ballot: str, of_credential: str) -> str:
    """What is wrong with a ballot of another style than its credential's."""
    return f"the ballot's style is {of_ballot}, the credential's is {of_credential}"


def v12_v13_chain_and_points(state: BoardState, ballot: Ballot) -> None:
    """The last tests, in board order; a ballot that passes takes effect at index `state.size`. Raises Broken."""
    credential = state.roll.credentials[ballot.credential]
    v12_chain(credential.last_body_hash, ballot.previous)
    points = v13_points(state, ballot)
    state.ballots.points.update(points)
    state.ballots.accepted += 1
    state.ballots.superseded += bool(credential.ballots)
    credential.ballots.append(state.size)
    credential.last_body_hash = ballot.body_hash
    credential.last_ciphertexts = ballot.ciphertexts


def v12_chain(last: bytes, previous: bytes) -> None:
    """`previous` is `last`: the hash of the credential's last accepted ballot, or zero. Raises Broken."""
    if previous != last:
        if last == NO_BALLOT:
            raise Broken("V12", "previous is not zero, and the credential has no accepted ballot")
        raise Broken("V12", "previous is not the last accepted ballot of this credential")


def v13_points(state: BoardState, ballot: Ballot) -> set[bytes]:
    """The ballot's points A, each of them new to the board. Raises Broken."""
    blob = ballot.ciphertexts
    points = {blob[at : at + 32] for at in range(0, len(blob), 64)}
    if len(points) < len(blob) // 64:
        raise Broken("V13", "a point A stands twice in this ballot")
    if not points.isdisjoint(state.ballots.points):
        raise Broken("V13", "a point A of an earlier accepted ballot is used again")
    return points


def v10_ballot_proofs(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V10 as a whole."""
    return _result(state, findings, "V10")


def v11_credentials(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V11 as a whole."""
    return _result(state, findings, "V11")


def v12_chains(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V12 as a whole."""
    return _result(state, findings, "V12")


def v13_no_point_twice(state: BoardState, findings: Sequence[Ruling]) -> CheckResult:
    """V13 as a whole."""
    return _result(state, findings, "V13")


def _result(state: BoardState, findings: Sequence[Ruling], number: str) -> CheckResult:
    missing = () if state.opening_index is not None else ("no opening",)
    return conclude(number, named(findings, number), missing)
