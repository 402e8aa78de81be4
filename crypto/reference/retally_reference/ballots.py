"""Pages 6 and 8.1: the one rule for a ballot, and its proof (V10)."""

from collections.abc import Sequence, Set

from retally_reference import sigma
from retally_reference.canonical import Refusal
from retally_reference.edwards import Point
from retally_reference.entries import Ballot, check_ballot_encodings, read_ballot
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.findings import Fault
from retally_reference.group import RISTRETTO255, EncodingError, decode_points
from retally_reference.linear_relation import LinearRelation, failed_element_check
from retally_reference.manifest import Manifest
from retally_reference.roll import Credential
from retally_reference.shapes import shape_of
from retally_reference.statements import tag


def well_formed(raw: bytes, manifest: Manifest, election: bytes) -> Ballot | Fault:
    """The ballot, or what V09 has against it."""
    try:
        ballot = read_ballot(raw, manifest, election)
        check_ballot_encodings(ballot, manifest)
    except Refusal as refusal:
        return Fault("V09", str(refusal))
    return ballot


def rule_ballot(
    ballot: Ballot | Fault,
    manifest: Manifest,
    phase: str,
    credential: Credential | None,
    used: Set[bytes],
    proof_holds: bool,
) -> Fault | None:
    """8.1: the first check that refuses a ballot entry; None for one that is accepted.

    credential: what the roll has under the ballot's name; used: the A of every ballot accepted so far.
    """
    if isinstance(ballot, Fault):
        return ballot
    if phase != "voting":
        return Fault("V04", f"a ballot in the phase {phase}")
    if credential is None or not credential.active:
        return Fault("V11", "a credential that is not active on the roll")
    if manifest["styles"][credential.style]["id"] != ballot.style:
        return Fault("V11", "a style that is not the credential's")
    if not proof_holds:
        return Fault("V10", "the proof does not verify")
    if ballot.previous != credential.previous:
        return Fault("V12", "previous is not the last accepted ballot of this credential")
    points = ballot.first_points
    if len(set(points)) < len(points) or not used.isdisjoint(points):
        return Fault("V13", "an A that was used before")
    return None


def false_proofs(ballots: Sequence[Ballot], manifest: Manifest, election: bytes, key: bytes) -> set[int]:
    """V10 for one batch: positions of the ballots whose proof does not verify, or cannot even be read."""
    joint_key = RISTRETTO255.decode(key)
    transcripts = [_transcript(ballot, manifest, election, joint_key, key) for ballot in ballots]
    readable = [(at, transcript) for at, transcript in enumerate(transcripts) if transcript is not None]
    culprits = sigma.culprits(RISTRETTO255, [transcript for _, transcript in readable])
    unreadable = {at for at, transcript in enumerate(transcripts) if transcript is None}
    return unreadable | {readable[position][0] for position in culprits}


def _transcript(
    ballot: Ballot, manifest: Manifest, election: bytes, joint_key: Point, key: bytes
) -> sigma.Transcript[Point] | None:
    shape = shape_of(manifest, manifest["style_index"][ballot.style])
    own = ballot.credential + ballot.ciphertexts
    try:
        elements = (RISTRETTO255.generator, joint_key, *decode_points(own))
    except EncodingError:
        return None
    relation = LinearRelation(RISTRETTO255, elements, shape.equations)
    # Checks 1 to 6 of an instance are of its equations alone, and a shape's are ours.
    if failed_element_check(relation) is not None:
        return None
    session_id = derive_session_id(tag("Ballot", election, ballot.body_hash))
    return sigma.read_transcript(session_id, relation, shape.header + key + own, ballot.proof)
