"""Vectors for page 2: instances, session ids and proofs of every relation, and proofs that have to be refused."""

from __future__ import annotations

from typing import Any

from retally_crypto.contests import ContestLayout, StyleLayout
from retally_crypto.credentials import CREDENTIAL_PART
from retally_crypto.engine import engine
from retally_crypto.guardians import GUARDIAN_COMMITMENT
from retally_crypto.relations import Template, compile_relation, tag
from retally_crypto.tally import PARTIAL_DECRYPTION
from retally_reference.fiat_shamir import derive_session_id
from retally_reference.group import RISTRETTO255
from retally_reference.sigma import derive_challenge
from scripts.vectors.election import ballot_witness
from scripts.vectors.fixed import ANOTHER_POINT, ORDER, Transcript, drawn, le, proved, records, scalar, transcript

ELECTION = drawn("an election id", 32)


def shown(made: Transcript) -> dict[str, Any]:
    """Every value of a proof, in the order in which it is computed."""
    return {
        "tag": made.tag.decode(),
        "session_id": engine.session_id(made.tag),
        "header": made.header,
        "elements": records(made.elements),
        "witness": records(made.witness),
        "prover_nonces": records(made.nonces),
        "commitment": records(made.commitment),
        "challenge": made.challenge,
        "response": records(made.response),
        "proof": made.proof,
    }


def proofs() -> dict[str, Any]:
    """A true statement of every relation, and refused proofs."""
    statements = {
        "CredentialPart": _credential_part(),
        "GuardianCommitment, k = 1": _guardian_commitment(1),
        "GuardianCommitment, k = 3": _guardian_commitment(3),
        "PartialDecryption, m = 0": _partial_decryption(0),
        "PartialDecryption, m = 2": _partial_decryption(2),
        "Ballot, one option": _ballot(),
    }
    return {
        "about": "relations, instances, session ids, proofs with fixed prover nonces (docs/spec page 2). "
        "The serialised instance is `header` followed by `elements`",
        "proofs": [{"name": name, **shown(made)} for name, made in statements.items()],
        "refused": [
            {"name": name, "header": header, "elements": records(elements), "tag": proof_tag.decode(), "proof": proof}
            for name, header, elements, proof_tag, proof in _refused(statements)
        ],
    }


def _credential_part() -> Transcript:
    template, secret = compile_relation(CREDENTIAL_PART), scalar("a part")
    proof_tag = tag(template.name, ELECTION, le(2, 4), engine.multiply_base(scalar("a replaced credential")))
    return proved(template.header, engine.multiply_base(secret), proof_tag, secret)


def _guardian_commitment(threshold: int) -> Transcript:
    template = compile_relation(GUARDIAN_COMMITMENT, k=threshold)
    witness = b"".join(scalar(f"coefficient {j}") for j in range(threshold))
    return proved(template.header, engine.multiply_base(witness), tag(template.name, ELECTION, le(3, 4)), witness)


def _partial_decryption(listed: int) -> Transcript:
    template, share = compile_relation(PARTIAL_DECRYPTION, m=listed), scalar("a share")
    aggregates = engine.multiply_base(b"".join(scalar(f"an aggregate {j}") for j in range(listed)))
    pairs = zip(records(aggregates), records(engine.multiply(share * listed, aggregates)), strict=True)
    elements = engine.multiply_base(share) + b"".join(a + m for a, m in pairs)
    context = (le(1, 4), le(1234, 8), drawn("a root", 32))
    return proved(template.header, elements, tag(template.name, ELECTION, *context), share)


def ballot_template() -> Template:
    """One option, at most one vote: a bit and its slack."""
    return StyleLayout((ContestLayout(0, 1, 1, (0, 1)),)).template


def _ballot_elements(bits: list[int]) -> tuple[bytes, bytes, list[bytes]]:
    """Elements, credential secret and nonces of a ballot with any two integers in it."""
    secret, nonces = scalar("a credential"), [scalar("a nonce"), scalar("a slack nonce")]
    key = engine.multiply_base(scalar("a joint key"))
    pairs = [
        engine.multiply_base(nonce)
        + engine.add(engine.multiply_base(le(bit % ORDER, 32)), engine.multiply_fixed(key, nonce))
        for bit, nonce in zip(bits, nonces, strict=True)
    ]
    return key + engine.multiply_base(secret) + b"".join(pairs), secret, nonces


BALLOT_TAG = tag("Ballot", ELECTION, drawn("a body", 32))


def _ballot() -> Transcript:
    elements, secret, nonces = _ballot_elements([1, 0])
    return proved(ballot_template().header, elements, BALLOT_TAG, ballot_witness(secret, [1, 0], nonces))


Refused = tuple[str, bytes, bytes, bytes, bytes]


def _refused(statements: dict[str, Transcript]) -> list[Refused]:
    part, ballot = statements["CredentialPart"], statements["Ballot, one option"]
    cases: list[Refused] = []

    def altered(name: str, good: Transcript, proof: bytes, elements: bytes | None = None) -> None:
        cases.append((name, good.header, good.elements if elements is None else elements, good.tag, proof))

    last = int.from_bytes(part.response, "little")
    altered("one bit of the response flipped", part, part.commitment + le(last ^ 1, 32))
    altered("a response that is not reduced", part, part.commitment + le(last + ORDER, 32))
    altered("another commitment", part, ANOTHER_POINT + part.response)
    altered("a commitment that is the identity", part, bytes(32) + part.response)
    altered("a commitment that is no encoding", part, b"\xff" * 32 + part.response)
    altered("commitment and response exchanged", part, part.response + part.commitment)
    altered("a byte missing", part, part.proof[:-1])
    altered("a byte more", part, part.proof + b"\x00")
    altered("no proof", part, b"")
    altered("the compact form: challenge and response", part, part.challenge + part.response)
    altered("another element", part, part.proof, ANOTHER_POINT)
    altered("an element that is the identity", part, part.proof, bytes(32))
    altered("an element missing", part, part.proof, b"")
    altered("an element more", part, part.proof, part.elements + ANOTHER_POINT)
    cases.append(
        ("another tag", part.header, part.elements, part.tag.replace(b"Credential", b"credential"), part.proof)
    )
    identity = transcript(part.header, ANOTHER_POINT, part.tag, bytes(32))
    altered("the identity, whose logarithm anybody knows", part, identity.proof, bytes(32))

    for name, bits in (
        ("a bit that is 2, the slack -1", [2, -1]),
        ("a bit that is -1, the slack 2", [-1, 2]),
        ("two votes where one is allowed", [1, 1]),
        ("no vote and no slack", [0, 0]),
    ):
        elements, secret, nonces = _ballot_elements(bits)
        made = transcript(ballot.header, elements, BALLOT_TAG, ballot_witness(secret, bits, nonces))
        altered(name, ballot, made.proof, elements)
    cases += _weak_challenges(ballot)
    return cases


def _weak_challenges(ballot: Transcript) -> list[Refused]:
    """True statements whose prover left something out of the challenge: forgeries are made with such challenges."""
    header, elements, session = ballot.header, ballot.elements, derive_session_id(ballot.tag)
    omissions = {
        "session id": (bytes(32), header + elements, True),
        "relation": (session, elements, True),
        "instance": (session, b"", True),
        "elements": (session, header, True),
        "ciphertexts": (session, header + elements[:64], True),
        "joint key": (session, header + elements[32:], True),
        "credential": (session, header + elements[:32] + elements[64:], True),
        "commitment": (session, header + elements, False),
    }
    cases = []
    for omitted, (session_id, statement, bound) in omissions.items():

        def challenge(commitment: bytes, s: bytes = session_id, i: bytes = statement, b: bool = bound) -> int:
            return derive_challenge(RISTRETTO255, s, i, commitment if b else b"")

        made = transcript(header, elements, ballot.tag, ballot.witness, challenge)
        cases.append((f"a challenge without the {omitted}", header, elements, ballot.tag, made.proof))
    return cases
