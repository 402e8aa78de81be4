"""One strict model for each kind of entry, and the way from bytes to entry (docs/spec pages 3, 4; check V09).

parse_entry(raw, election)        bytes -> Ballot or SignedEntry, or Malformed naming what is wrong
check_encodings(entry, manifest)  what only the manifest decides: numbers, lengths, ids; and every point and scalar
check_signatures(entry, manifest) the signature lines that the kind demands, and no other (V04)

The way back: `retally_crypto.entry_writing`, and `retally_crypto.secret.sign`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, ValidationError

from retally_crypto.canonical import parse_canonical
from retally_crypto.encoding import b64url_decode
from retally_crypto.errors import BadSignature, Malformed, RetallyError
from retally_crypto.manifest import Manifest
from retally_crypto.members import (
    Array,
    Bytes32,
    Bytes80,
    Identifier,
    Integer,
    Members,
    Number,
    PerhapsRecords32,
    Records32,
    Text,
)
from retally_crypto.notes import MAX_ENTRY_BYTES, Note, VerifierKey, open_signed_entry, verify_signature

LARGEST_CHUNK = 1000
"""Credentials in one `roll` entry."""


class Content(Members):
    """What every entry but the manifest has."""

    election: Bytes32


class GuardianCommitment(Content):
    kind: Literal["guardian-commitment"] = "guardian-commitment"
    guardian: Number
    commitments: Records32
    encryption_key: Bytes32
    proof: Records32


class SealedShare(Members):
    guardian: Number
    ciphertext: Bytes80


class GuardianShares(Content):
    kind: Literal["guardian-shares"] = "guardian-shares"
    guardian: Number
    shares: Annotated[Array[SealedShare], Field(max_length=31)]


class GuardianComplaint(Content):
    kind: Literal["guardian-complaint"] = "guardian-complaint"
    guardian: Number
    against: Number


class GuardianAnswer(Content):
    kind: Literal["guardian-answer"] = "guardian-answer"
    guardian: Number
    complainant: Number
    share: Bytes32


class GuardianConfirmation(Content):
    kind: Literal["guardian-confirmation"] = "guardian-confirmation"
    guardian: Number
    ceremony: Bytes32


class RollCommitment(Content):
    kind: Literal["roll-commitment"] = "roll-commitment"
    registrar: Number
    credentials: Annotated[int, Field(ge=1, le=2**53 - 1)]
    commitment: Bytes32


class Roll(Content):
    kind: Literal["roll"] = "roll"
    registrar: Number
    first: Integer
    commitments: Bytes32
    parts: Records32
    styles: Annotated[Array[Integer], Field(min_length=1, max_length=LARGEST_CHUNK)]


class RollRevocation(Content):
    kind: Literal["roll-revocation"] = "roll-revocation"
    credential: Bytes32
    reason: Text


class RollReplacement(Content):
    kind: Literal["roll-replacement"] = "roll-replacement"
    credential: Bytes32
    parts: Records32
    proofs: Records32
    reason: Text


class Opening(Content):
    kind: Literal["opening"] = "opening"
    key: Bytes32
    credentials: Integer
    roll: Bytes32


class Closing(Content):
    kind: Literal["closing"] = "closing"
    ballots: Integer


class Station(Members):
    """One polling station's paper totals; `votes` one per option of the contest."""

    id: Identifier
    invalid: Integer
    votes: Annotated[Array[Integer], Field(min_length=1, max_length=256)]


class PaperCount(Content):
    kind: Literal["paper-count"] = "paper-count"
    district: Identifier
    contest: Identifier
    stations: Annotated[Array[Station], Field(min_length=1, max_length=500)]
    late: bool


Districts = Array[Identifier]


class PartialDecryption(Content):
    kind: Literal["partial-decryption"] = "partial-decryption"
    guardian: Number
    size: Integer
    root: Bytes32
    units: Array[Districts]
    aggregates: Bytes32
    points: PerhapsRecords32
    proof: Records32


class ResultContest(Members):
    contest: Identifier
    counts: Array[Integer]


class ResultUnit(Members):
    districts: Districts
    state: Literal["reported", "empty", "withheld"]
    counted: Integer
    contests: Array[ResultContest]


class Result(Content):
    kind: Literal["result"] = "result"
    credentials: Integer
    voted: Integer
    accepted: Integer
    superseded: Integer
    counted: Integer
    refused: Integer
    units: Array[ResultUnit]
    combined: Bytes32


Ceremony: TypeAlias = GuardianCommitment | GuardianShares | GuardianComplaint | GuardianAnswer | GuardianConfirmation
OfficialContent: TypeAlias = (
    Manifest
    | Ceremony
    | RollCommitment
    | Roll
    | RollRevocation
    | RollReplacement
    | Opening
    | Closing
    | PaperCount
    | PartialDecryption
    | Result
)

_KINDS: dict[str, type[Any]] = {
    "manifest": Manifest,
    "guardian-commitment": GuardianCommitment,
    "guardian-shares": GuardianShares,
    "guardian-complaint": GuardianComplaint,
    "guardian-answer": GuardianAnswer,
    "guardian-confirmation": GuardianConfirmation,
    "roll-commitment": RollCommitment,
    "roll": Roll,
    "roll-revocation": RollRevocation,
    "roll-replacement": RollReplacement,
    "opening": Opening,
    "closing": Closing,
    "paper-count": PaperCount,
    "partial-decryption": PartialDecryption,
    "result": Result,
}
BALLOT_MEMBERS = ("ciphertexts", "credential", "election", "kind", "previous", "proof", "style")


@dataclass(frozen=True, slots=True)
class Ballot:
    """A ballot entry: `ciphertexts` A_1‖B_1‖…, 64 bytes a bit; `proof` a NARG string; `body_hash` H(body)."""

    ciphertexts: bytes = field(repr=False)
    credential: bytes
    election: bytes
    previous: bytes
    proof: bytes = field(repr=False)
    style: str
    raw: bytes = field(repr=False)
    body_hash: bytes

    @property
    def kind(self) -> Literal["ballot"]:
        return "ballot"

    @property
    def body(self) -> bytes:
        """The canonical JSON of the entry without its proof (6.4)."""
        return _body(self.raw, len(self.proof))


@dataclass(frozen=True, slots=True)
class SignedEntry:
    """An official's entry: its content, its signature lines, and its bytes."""

    content: OfficialContent
    note: Note = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def kind(self) -> str:
        return self.content.kind


Entry: TypeAlias = Ballot | SignedEntry


def election_id(manifest_entry: bytes) -> bytes:
    """The election's id: SHA-256 of all the bytes of entry 0."""
    return sha256(manifest_entry).digest()


def parse_entry(raw: bytes, election: bytes | None) -> Entry:
    """The entry in `raw`. `election` is the id every entry must name, None for entry 0, which must be a manifest.

    Raises Malformed, naming the member and the rule.
    """
    if len(raw) > MAX_ENTRY_BYTES:
        raise Malformed(f"entry of {len(raw)} bytes: at most {MAX_ENTRY_BYTES} are allowed")
    if b"\n" not in raw and election is not None:
        return _parse_ballot(raw, election)
    note = open_signed_entry(raw)
    if note.text.count(b"\n") != 1:
        raise Malformed("an official's entry is one line of JSON")
    content = _parse_content(note.text[:-1])
    if election is None:
        if not isinstance(content, Manifest):
            raise Malformed(f"entry 0 is a {content.kind}, not a manifest")
    elif not isinstance(content, Manifest) and content.election != election:
        raise Malformed(f"{content.kind} names election {content.election.hex()}, this is {election.hex()}")
    return SignedEntry(content, note, raw)


def _parse_content(line: bytes) -> OfficialContent:
    members = parse_canonical(line)
    if not isinstance(members, dict) or not isinstance(members.get("kind"), str):
        raise Malformed("entry is not an object with a kind")
    model = _KINDS.get(str(members["kind"]))
    if model is None:
        raise Malformed(f"there is no official's entry of kind {str(members['kind'])[:64]!r}")
    try:
        content: OfficialContent = model.model_validate(members)
    except ValidationError as error:
        raise Malformed(f"{members['kind']}: {_first_fault(error)}") from None
    return content


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
    place = ".".join(str(step) for step in fault["loc"]) or "entry"
    return f"{place[:200]}: {fault['msg']}"


def _parse_ballot(raw: bytes, election: bytes) -> Ballot:
    members = parse_canonical(raw)
    if not isinstance(members, dict) or tuple(members) != BALLOT_MEMBERS:
        names = ", ".join(str(name)[:32] for name in members) if isinstance(members, dict) else type(members).__name__
        raise Malformed(f"a ballot has exactly the members {', '.join(BALLOT_MEMBERS)}, this entry has {names[:300]}")
    if members["kind"] != "ballot":
        raise Malformed("an entry without signature is of kind ballot")
    values = {name: members[name] for name in BALLOT_MEMBERS}
    for name, value in values.items():
        if not isinstance(value, str):
            raise Malformed(f"ballot: {name} is not a string")
    lengths = {"credential": 32, "election": 32, "previous": 32}
    try:
        binary = {
            name: b64url_decode(str(values[name]), lengths.get(name), f"ballot: {name}")
            for name in ("ciphertexts", "credential", "election", "previous", "proof")
        }
    except RetallyError as error:
        raise Malformed(str(error)) from None
    if binary["election"] != election:
        raise Malformed(f"ballot names election {binary['election'].hex()}, this is {election.hex()}")
    body = _body(raw, len(binary["proof"]))
    return Ballot(**binary, style=str(values["style"]), raw=raw, body_hash=sha256(body).digest())


def _body(raw: bytes, proof_length: int) -> bytes:
    # Canonical JSON puts ,"proof":"…" between "previous" and "style"; base64url holds no quotation mark.
    start = raw.index(b',"proof":"')
    return raw[:start] + raw[start + len(b',"proof":"') + -(-8 * proof_length // 6) + 1 :]


def required_signers(content: OfficialContent, manifest: Manifest) -> tuple[VerifierKey, ...]:
    """Whose signature lines an entry has, in this order (page 4). Raises Malformed if there is no such official."""
    if isinstance(content, Ceremony | PartialDecryption):
        return (_official("guardian", content.guardian, manifest.guardians.keys),)
    if isinstance(content, RollCommitment | Roll):
        return (_official("registrar", content.registrar, manifest.registrars),)
    if isinstance(content, RollRevocation | RollReplacement):
        return manifest.registrars
    return (manifest.authority,)


def _official(role: str, number: int, keys: tuple[VerifierKey, ...]) -> VerifierKey:
    if not 1 <= number <= len(keys):
        raise Malformed(f"there is no {role} {number}")
    return keys[number - 1]


def check_signatures(entry: SignedEntry, manifest: Manifest) -> None:
    """The entry has exactly the signature lines its kind demands, and they verify. Raises BadSignature."""
    signers = required_signers(entry.content, manifest)
    lines = entry.note.signatures
    expected = [(key.name, key.key_id) for key in signers]
    if [(line.name, line.key_id) for line in lines] != expected:
        found = ", ".join(line.name for line in lines)
        raise BadSignature(f"{entry.kind} is signed by {found}, not by {', '.join(key.name for key in signers)}")
    for key, line in zip(signers, lines, strict=True):
        verify_signature(key, line.signature, entry.note.text)
