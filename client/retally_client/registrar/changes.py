"""Taking a credential off the roll, or giving its voter a new one: all registrars together (docs/spec 5.7).

A draft goes from registrar to registrar. For a replacement each first adds its part of the new credential, with a
proof that it knows the secret; when all parts are there, each signs; the last one submits. Every registrar looks up in
its own codes whose credential it is, so that none can make the others strike off somebody else.

    revocation   draft -> sign, sign, … -> submit
    replacement  draft -> part, part, … -> sign, sign, … -> submit
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import ValidationError

from retally_client.registrar.codes import Codes
from retally_client.registrar.voters import Registered
from retally_crypto.canonical import Json, canonical_bytes, parse_canonical
from retally_crypto.credentials import verify_part
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import RollReplacement, RollRevocation
from retally_crypto.entry_writing import entry_text
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.notes import Note, NoteSignature, format_note, verify_signature
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.credentials import part_secret, prove_part, public_part
from retally_crypto.secret.sign import SigningKey

KIND = "retally-roll-draft"
REVOCATION, REPLACEMENT = "roll-revocation", "roll-replacement"
_MEMBERS = {"change", "credential", "election", "kind", "parts", "proofs", "reason", "signatures"}


@dataclass(frozen=True)
class Draft:
    """A change of the roll on its way: `parts`, `proofs` and `signatures` by registrar, counted from 1."""

    change: str
    election_id: bytes
    credential: bytes
    reason: str
    parts: dict[int, bytes] = field(default_factory=dict)
    proofs: dict[int, bytes] = field(default_factory=dict)
    signatures: dict[int, bytes] = field(default_factory=dict)


def draft_to_bytes(draft: Draft) -> bytes:
    """The draft as canonical JSON. It holds nothing secret."""
    value: Json = {
        "kind": KIND,
        "change": draft.change,
        "election": b64url_encode(draft.election_id),
        "credential": b64url_encode(draft.credential),
        "reason": draft.reason,
        "parts": _by_registrar(draft.parts),
        "proofs": _by_registrar(draft.proofs),
        "signatures": _by_registrar(draft.signatures),
    }
    return canonical_bytes(value)


def draft_from_bytes(raw: bytes, record: ElectionRecord) -> Draft:
    """A draft that another registrar handed over, with every proof and signature in it checked.

    Raises Malformed, BadProof or BadSignature, naming the registrar.
    """
    members = parse_canonical(raw)
    if not isinstance(members, dict) or set(members) != _MEMBERS or members["kind"] != KIND:
        raise Malformed("this is not a draft of a change of the roll")
    change, reason = members["change"], members["reason"]
    if change not in (REVOCATION, REPLACEMENT) or not isinstance(reason, str):
        raise Malformed(f"a draft is a {REVOCATION} or a {REPLACEMENT} with a reason")
    draft = Draft(
        change=str(change),
        election_id=b64url_decode(str(members["election"]), 32, "the draft's election"),
        credential=b64url_decode(str(members["credential"]), 32, "the draft's credential"),
        reason=reason,
        parts=_read_by_registrar(members["parts"], 32, record.manifest),
        proofs=_read_by_registrar(members["proofs"], 64, record.manifest),
        signatures=_read_by_registrar(members["signatures"], 64, record.manifest),
    )
    _check(draft, record)
    return draft


def new_draft(change: str, record: ElectionRecord, credential: bytes, reason: str) -> Draft:
    """A draft without any registrar's part. Raises Refused if the rules of 5.7 forbid the change."""
    draft = Draft(change, record.election_id, credential, reason)
    _check(draft, record)
    content(replace(draft, change=REVOCATION), record.manifest)
    return draft


def add_part(draft: Draft, code: bytes, registrar: int) -> Draft:
    """This registrar's part of the new credential, from a fresh code of 15 bytes. Raises Refused for a second one."""
    if draft.change != REPLACEMENT:
        raise Refused("a revocation has no parts: sign it")
    if registrar in draft.parts:
        raise Refused(f"registrar {registrar} has added its part already")
    secret = part_secret(code, draft.election_id, registrar)
    proof = prove_part(secret, draft.election_id, registrar, draft.credential)
    return replace(
        draft, parts={**draft.parts, registrar: public_part(secret)}, proofs={**draft.proofs, registrar: proof}
    )


def add_signature(draft: Draft, manifest: Manifest, key: SigningKey, registrar: int) -> Draft:
    """This registrar's signature. Raises Refused while a part is missing."""
    return replace(draft, signatures={**draft.signatures, registrar: key.sign(entry_text(content(draft, manifest)))})


def content(draft: Draft, manifest: Manifest) -> RollRevocation | RollReplacement:
    """What the registrars sign. Raises Refused while a part is missing, Malformed for a reason that is no text."""
    try:
        return _content(draft, manifest)
    except ValidationError as error:
        raise Malformed(f"the draft's reason: {error.errors(include_input=False)[0]['msg']}") from None


def _content(draft: Draft, manifest: Manifest) -> RollRevocation | RollReplacement:
    change: dict[str, Any] = {"election": draft.election_id, "credential": draft.credential, "reason": draft.reason}
    if draft.change == REVOCATION:
        return RollRevocation(**change)
    lacking = "has not added its part yet: parts come first, then signatures"
    parts, proofs = (_of_all(held, manifest, lacking) for held in (draft.parts, draft.proofs))
    return RollReplacement(**change, parts=b"".join(parts), proofs=b"".join(proofs))


def finished_entry(draft: Draft, manifest: Manifest) -> bytes:
    """The entry to append. Raises Refused while a signature is missing."""
    text = entry_text(content(draft, manifest))
    signatures = _of_all(draft.signatures, manifest, "has not signed yet")
    lines = [
        NoteSignature(key.name, key.key_id, signature)
        for key, signature in zip(manifest.registrars, signatures, strict=True)
    ]
    return format_note(Note(text, tuple(lines)))


def credential_at(record: ElectionRecord, position: int) -> bytes:
    """The credential that stood at a position of the roll when it was completed, positions from 0."""
    for place, credential in enumerate(record.roll.everyone()):
        if place == position:
            return credential
    raise Refused(f"the roll has no position {position}, or is not complete yet")


def voter_of(record: ElectionRecord, codes: Codes, credential: bytes) -> Registered | None:
    """Whose credential it is, by this registrar's own codes; None for one that was itself a replacement."""
    for position, known in enumerate(record.roll.everyone()):
        if known == credential:
            return codes.voters[position] if position < len(codes.voters) else None
    return None


def require_within_caps(change: str, record: ElectionRecord) -> None:
    """Raises Refused where the manifest allows no more changes of this kind: nothing later can help then."""
    caps = record.manifest.caps
    cap, made = (
        (caps.replacements, record.roll.replacements)
        if change == REPLACEMENT
        else (caps.revocations, record.roll.revocations)
    )
    kind = "replacements" if change == REPLACEMENT else "revocations"
    if not cap:
        raise Refused(
            f"the manifest of this election allows no {kind} (caps: {kind} 0), which nobody can change any more: "
            "no new code was drawn, and nothing was changed"
        )
    if made >= cap:
        raise Refused(
            f"the manifest of this election allows {cap:,} {kind}, and as many were made: "
            "no new code was drawn, and nothing was changed"
        )


def _check(draft: Draft, record: ElectionRecord) -> None:
    if draft.election_id != record.election_id:
        raise Refused(f"the draft is for election {draft.election_id.hex()}, not for this one")
    require_within_caps(draft.change, record)
    if not record.is_active(draft.credential):
        raise Refused("the draft's credential is not on the roll, or is no longer active")
    if record.ballots_of(draft.credential):
        raise Refused("a ballot was cast with this credential: it can no longer be changed")
    if set(draft.parts) != set(draft.proofs) or (draft.parts and draft.change != REPLACEMENT):
        raise Malformed("the draft's parts and proofs do not belong together")
    for number, part in draft.parts.items():
        if not verify_part(part, draft.proofs[number], draft.election_id, number, draft.credential):
            raise BadProof(f"the draft: registrar {number} does not prove that it knows the secret of its part")
    for number, signature in draft.signatures.items():
        try:
            verify_signature(
                record.manifest.registrars[number - 1], signature, entry_text(content(draft, record.manifest))
            )
        except BadSignature as error:
            raise BadSignature(f"the draft: registrar {number}: {error}") from None


def _of_all(held: dict[int, bytes], manifest: Manifest, lacking: str) -> list[bytes]:
    """What every registrar contributed, in their order. Raises Refused, naming the first who has not."""
    numbers = range(1, len(manifest.registrars) + 1)
    for number in numbers:
        if number not in held:
            raise Refused(f"registrar {number} {lacking}")
    return [held[number] for number in numbers]


def _by_registrar(values: dict[int, bytes]) -> dict[str, Json]:
    return {str(number): b64url_encode(value) for number, value in values.items()}


def _read_by_registrar(value: Json, length: int, manifest: Manifest) -> dict[int, bytes]:
    known: Sequence[str] = [str(number) for number in range(1, len(manifest.registrars) + 1)]
    if not isinstance(value, dict) or not set(value) <= set(known):
        raise Malformed(f"a draft names registrars 1 to {len(known)}")
    what = "a registrar's value in the draft"
    return {int(number): b64url_decode(str(value[number]), length, what) for number in known if number in value}
