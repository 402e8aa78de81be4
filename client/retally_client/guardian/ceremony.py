"""The key ceremony, step by step (docs/spec page 5). What is due is read off the board; what is secret stays in
`Secrets`.

    commitment -> (all n) -> shares -> (all n) -> complaint, or nothing -> answers -> confirmation
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from retally_crypto.canonical import Json, canonical_bytes, parse_canonical
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import (
    GuardianAnswer,
    GuardianCommitment,
    GuardianComplaint,
    GuardianConfirmation,
    GuardianShares,
    OfficialContent,
    SealedShare,
)
from retally_crypto.errors import CannotDecrypt, Malformed, Refused
from retally_crypto.guardians import check_share
from retally_crypto.manifest import Manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.v05_v07_ceremony import transcript_hash
from retally_crypto.secret.guardians import (
    Polynomial,
    commit,
    new_encryption_key,
    new_polynomial,
    open_share,
    seal_share,
    secret_share,
    share_for,
)
from retally_crypto.secret.sign import SigningKey, sign_entry


@dataclass(frozen=True)
class Secrets:
    """What a guardian keeps of one election's ceremony. `journal` names the file that records its decryption."""

    election_id: bytes
    polynomial: Polynomial = field(repr=False)
    private_key: bytes = field(repr=False)
    public_key: bytes
    journal: bytes


@dataclass(frozen=True)
class Step:
    """What is due now: entries to append in this order, and a sentence for people. No entries: waiting, or done."""

    entries: tuple[bytes, ...]
    says: str
    done: bool = False


def new_secrets(election_id: bytes, threshold: int, journal: bytes) -> Secrets:
    """Fresh secrets for one election. They are never used for another."""
    private_key, public_key = new_encryption_key()
    return Secrets(election_id, new_polynomial(threshold), private_key, public_key, journal)


def secrets_to_bytes(secrets: Secrets) -> bytes:
    """The secrets as canonical JSON, to be encrypted before they touch a disk."""
    value: Json = {
        "coefficients": [b64url_encode(scalar) for scalar in secrets.polynomial.coefficients],
        "election": b64url_encode(secrets.election_id),
        "journal": b64url_encode(secrets.journal),
        "private_key": b64url_encode(secrets.private_key),
        "public_key": b64url_encode(secrets.public_key),
    }
    return canonical_bytes(value)


_SECRET_MEMBERS = {"coefficients", "election", "journal", "private_key", "public_key"}


def secrets_from_bytes(raw: bytes) -> Secrets:
    """The inverse of `secrets_to_bytes`. Raises Malformed without repeating anything secret."""
    value = parse_canonical(raw)
    try:
        assert isinstance(value, dict)
        assert set(value) == _SECRET_MEMBERS
        coefficients = value["coefficients"]
        assert isinstance(coefficients, list)
        fixed = {name: str(value[name]) for name in ("election", "journal", "private_key", "public_key")}
        scalars = tuple(b64url_decode(str(scalar), 32) for scalar in coefficients)
    except (KeyError, AssertionError):
        raise Malformed("this is not a guardian's ceremony file") from None
    return Secrets(
        election_id=b64url_decode(fixed["election"], 32),
        polynomial=Polynomial(scalars),
        private_key=b64url_decode(fixed["private_key"], 32),
        public_key=b64url_decode(fixed["public_key"], 32),
        journal=b64url_decode(fixed["journal"], 16),
    )


def guardian_number(manifest: Manifest, key: SigningKey) -> int:
    """Which guardian this key is, counted from 1. Raises Refused if it is none of the manifest's."""
    for number, known in enumerate(manifest.guardians.keys, start=1):
        if known == key.verifier_key:
            return number
    raise Refused(f"{key.verifier_key.name} is no guardian of this election")


def next_step(record: ElectionRecord, secrets: Secrets, key: SigningKey) -> Step:
    """What this guardian has to write now, given the board. Raises Refused if the ceremony is void or not this
    guardian's."""
    number = guardian_number(record.manifest, key)
    ceremony, n = record.ceremony, len(record.manifest.guardians.keys)
    if ceremony.void:
        raise Refused(f"the ceremony is void, a new manifest is needed: {ceremony.void[0]}")
    if number not in ceremony.commitments:
        return Step((_sign(commitment(record, secrets, number), key),), "commitment published; next: the shares")
    _require_own(record, secrets, number)
    if len(ceremony.commitments) < n:
        return Step((), f"waiting: {n - len(ceremony.commitments)} of {n} guardians have not committed yet")
    if number not in ceremony.shares:
        return Step((_sign(shares(record, secrets, number), key),), "shares published; next: check the others' shares")
    if len(ceremony.shares) < n:
        return Step((), f"waiting: {n - len(ceremony.shares)} of {n} guardians have not sent their shares yet")
    if number in ceremony.confirmations:
        return Step((), f"confirmed; {n - len(ceremony.confirmations)} of {n} have not confirmed yet", done=True)
    due: list[GuardianComplaint | GuardianAnswer] = [
        *complaints(record, secrets, number),
        *answers(record, secrets, number),
    ]
    if due:
        return Step(tuple(_sign(content, key) for content in due), "complaints and answers published; run again")
    unanswered = len(ceremony.complaints) - len(ceremony.answers)
    if unanswered:
        return Step((), f"waiting: {unanswered} complaints are not answered yet")
    confirmation = GuardianConfirmation(
        election=record.election_id, guardian=number, ceremony=transcript_hash(record.state)
    )
    return Step((_sign(confirmation, key),), "the ceremony is right and confirmed", done=True)


def commitment(record: ElectionRecord, secrets: Secrets, number: int) -> GuardianCommitment:
    """5.1."""
    commitments, proof = commit(secrets.polynomial, record.election_id, number)
    return GuardianCommitment(
        election=record.election_id,
        guardian=number,
        commitments=commitments,
        encryption_key=secrets.public_key,
        proof=proof,
    )


def shares(record: ElectionRecord, secrets: Secrets, number: int) -> GuardianShares:
    """5.2: one sealed share for every other guardian."""
    hashes = record.ceremony.commitment_entry_hashes
    sealed = [
        SealedShare(
            guardian=other,
            ciphertext=seal_share(
                share_for(secrets.polynomial, other),
                record.ceremony.commitments[other].encryption_key,
                record.election_id,
                number,
                other,
                hashes[number],
                hashes[other],
            ),
        )
        for other in _others(record, number)
    ]
    return GuardianShares(election=record.election_id, guardian=number, shares=tuple(sealed))


def complaints(record: ElectionRecord, secrets: Secrets, number: int) -> list[GuardianComplaint]:
    """A complaint against everyone whose share is missing or wrong and who was not complained against yet (5.3)."""
    good = received_shares(record, secrets, number)
    return [
        GuardianComplaint(election=record.election_id, guardian=number, against=other)
        for other in _others(record, number)
        if other not in good and (number, other) not in record.ceremony.complaints
    ]


def answers(record: ElectionRecord, secrets: Secrets, number: int) -> list[GuardianAnswer]:
    """The published share for everyone who complained against this guardian and has no answer yet (5.3)."""
    ceremony = record.ceremony
    return [
        GuardianAnswer(
            election=record.election_id,
            guardian=number,
            complainant=complainant,
            share=share_for(secrets.polynomial, complainant),
        )
        for complainant, accused in ceremony.complaints
        if accused == number and (complainant, accused) not in ceremony.answers
    ]


def received_shares(record: ElectionRecord, secrets: Secrets, number: int) -> Mapping[int, bytes]:
    """The right shares this guardian has from others, sealed or published in an answer, by sender."""
    ceremony, found = record.ceremony, {}
    for other in _others(record, number):
        answer = ceremony.answers.get((number, other))
        share = answer.share if answer is not None else _opened(record, secrets, number, other)
        if share is not None and check_share(share, ceremony.commitments[other].commitments, number):
            found[other] = share
    return found


def key_share(record: ElectionRecord, secrets: Secrets, number: int) -> bytes:
    """s_j (5.5). Raises Refused if a share is missing."""
    received = received_shares(record, secrets, number)
    missing = [other for other in _others(record, number) if other not in received]
    if missing:
        raise Refused(f"the shares of guardians {missing} are missing or wrong")
    return secret_share(secrets.polynomial, number, received)


def _opened(record: ElectionRecord, secrets: Secrets, number: int, other: int) -> bytes | None:
    ceremony = record.ceremony
    if other not in ceremony.shares:
        return None
    sealed = next(share.ciphertext for share in ceremony.shares[other].shares if share.guardian == number)
    hashes = ceremony.commitment_entry_hashes
    try:
        return open_share(sealed, secrets.private_key, record.election_id, other, number, hashes[other], hashes[number])
    except CannotDecrypt:
        return None


def _require_own(record: ElectionRecord, secrets: Secrets, number: int) -> None:
    if record.ceremony.commitments[number].encryption_key != secrets.public_key:
        raise Refused(f"the commitment of guardian {number} on the board was not made from these secrets")


def _others(record: ElectionRecord, number: int) -> list[int]:
    return [other for other in range(1, len(record.manifest.guardians.keys) + 1) if other != number]


def _sign(content: OfficialContent, key: SigningKey) -> bytes:
    return sign_entry(content, [key])
