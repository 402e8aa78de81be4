"""V10 to V13: the proofs of ballots, their points, and what an accepted ballot changes (6.4 to 6.7, 8.1).

Which check a ballot falls under is decided in `rules.ballot`; here the facts are found. Ballots are ruled on in blocks:
what falls before the proof needs none, one batch verifies the proofs of the rest, and then chains and repeated
ciphertexts follow in board order, so that a chain settles inside its block and a ballot with a bad proof extends no
chain. The batch also finds malformed points; only its culprits are looked at again, to tell a malformed ballot (V09)
from a false proof (V10). A ballot that falls earlier is never in a batch, so its encodings are looked at alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retally_crypto.ballots import read_ballots, verify_ballots
from retally_crypto.entries import Ballot
from retally_crypto.rules.ballot import BallotFacts, before_the_proof, rule_ballot
from retally_crypto.rules.findings import Broken, CheckResult, Fault, Finding, conclude, named
from retally_crypto.rules.state import BoardState, Credential
from retally_crypto.rules.v09_form import v09_ballot_encodings, v09_ballot_form


@dataclass(frozen=True)
class Candidate:
    """A ballot entry as far as it can be judged without the entries before it: the ballot, None where it could not be
    read; whether its proof was verified and holds; and what is wrong with its form (V09)."""

    ballot: Ballot | None
    proven: bool = False
    malformed: Fault | None = None


def candidates(state: BoardState, block: Sequence[bytes]) -> list[Candidate]:
    """Ballot entries that follow one another, with one batch of proofs for those that do not fall before."""
    read = read_ballots(block, state.ballot_forms, state.style_names, state.election_id)
    found = [_candidate(state, raw, ballot) for raw, ballot in zip(block, read, strict=True)]
    provable = [at for at, one in enumerate(found) if one.proven]
    if not provable or state.joint_key is None:
        return found
    ballots = [one.ballot for one in found if one.proven and one.ballot is not None]
    for culprit in verify_ballots(ballots, state.manifest, state.election_id, state.joint_key):
        malformed = _malformed(state, ballots[culprit])
        found[provable[culprit]] = Candidate(ballots[culprit], proven=False, malformed=malformed)
    return found


def _candidate(state: BoardState, raw: bytes, ballot: Ballot | None) -> Candidate:
    """The entry without its proof: `proven` says that it depends on the proof alone."""
    if ballot is None:
        # No style's form: the parser says what is wrong.
        try:
            ballot = v09_ballot_form(raw, state.manifest, state.election_id)
        except Broken as broken:
            return Candidate(None, malformed=broken.fault)
    credential = state.roll.find(ballot.credential)
    chain = None if credential is None else credential.chain
    if before_the_proof(_facts(state, ballot, proven=False), chain, state.phase, state.style_names) is None:
        return Candidate(ballot, proven=True)
    return Candidate(ballot, malformed=_malformed(state, ballot))


def _malformed(state: BoardState, ballot: Ballot) -> Fault | None:
    try:
        v09_ballot_encodings(ballot, state.manifest)
    except Broken as broken:
        return broken.fault
    return None


def _facts(state: BoardState, ballot: Ballot, *, proven: bool) -> BallotFacts:
    style = state.manifest.style_index(ballot.style)
    if style is None:
        raise AssertionError("a ballot that has its form has a style")
    return BallotFacts(ballot.credential, state.size, style, proven, ballot.body_hash, ballot.previous)


def judge(state: BoardState, candidate: Candidate) -> Fault | None:
    """Everything about a ballot at index `state.size`; one that passes takes effect there."""
    ballot = candidate.ballot
    if ballot is None or candidate.malformed is not None:
        return candidate.malformed
    credential = state.roll.find(ballot.credential)
    chain = None if credential is None else credential.chain
    fault = rule_ballot(_facts(state, ballot, proven=candidate.proven), chain, state.phase, state.style_names)
    if fault is not None:
        return fault
    try:
        points = v13_points(state, ballot)
    except Broken as broken:
        return broken.fault
    _accept(state, ballot, credential or Credential(state.manifest.style_index(ballot.style) or 0), points)
    return None


def _accept(state: BoardState, ballot: Ballot, credential: Credential, points: set[bytes]) -> None:
    state.ballots.points.update(points)
    state.ballots.accepted += 1
    if credential.ballots:
        state.ballots.superseded += 1
    else:
        state.ballots.voted += 1
    credential.ballots.append(state.size)
    credential.last_body_hash = ballot.body_hash
    credential.last_ciphertexts = ballot.ciphertexts
    state.roll.known[ballot.credential] = credential


def v13_points(state: BoardState, ballot: Ballot) -> set[bytes]:
    """The ballot's points A, each of them new to the board. Raises Broken."""
    blob = ballot.ciphertexts
    points = {blob[at : at + 32] for at in range(0, len(blob), 64)}
    if len(points) < len(blob) // 64:
        raise Broken("V13", "a point A stands twice in this ballot")
    if not points.isdisjoint(state.ballots.points):
        raise Broken("V13", "a point A of an earlier accepted ballot is used again")
    return points


def v10_ballot_proofs(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V10 as a whole."""
    return _result(state, findings, "V10")


def v11_credentials(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V11 as a whole."""
    return _result(state, findings, "V11")


def v12_chains(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V12 as a whole."""
    return _result(state, findings, "V12")


def v13_no_point_twice(state: BoardState, findings: Sequence[Finding]) -> CheckResult:
    """V13 as a whole."""
    return _result(state, findings, "V13")


def _result(state: BoardState, findings: Sequence[Finding], number: str) -> CheckResult:
    missing = () if state.opening_index is not None else ("no opening",)
    return conclude(number, named(findings, number), missing)
