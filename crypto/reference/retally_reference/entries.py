"""Pages 3.2, 4 and 8.3: from bytes to an entry of a known kind (V09), and who must have signed it (V04)."""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retally_reference import ed25519
from retally_reference.canonical import LONGEST_ENTRY, Refusal, base64url, parse_canonical, refuse_unless
from retally_reference.group import RISTRETTO255, EncodingError
from retally_reference.manifest import Manifest, read_manifest
from retally_reference.members import Form, b64, identifier, integer, many, one_of, record, text
from retally_reference.notes import DASH, SIGNATURE, Key, Line, parse_note
from retally_reference.shapes import shape_of

number = integer(1, 2**32 - 1)
points = b64(32, LONGEST_ENTRY)


def boolean(value: Any) -> bool:
    """true or false."""
    refuse_unless(isinstance(value, bool), "neither true nor false")
    return bool(value)


def content(kind: str, **members: Form) -> Form:
    """An official's content of that kind: these members, `kind` and `election`."""
    return record(kind=one_of(kind), election=b64(32), **members)


# 8.3: what a list of units holds beyond known ids is not form; its length is limited by the entry's.
_districts = many(identifier, 0, LONGEST_ENTRY)
FORMS: dict[str, Form] = {
    "guardian-commitment": content(
        "guardian-commitment", guardian=number, commitments=points, encryption_key=b64(32), proof=points
    ),
    "guardian-shares": content(
        "guardian-shares", guardian=number, shares=many(record(guardian=number, ciphertext=b64(80)), 0, 31)
    ),
    "guardian-complaint": content("guardian-complaint", guardian=number, against=number),
    "guardian-answer": content("guardian-answer", guardian=number, complainant=number, share=b64(32)),
    "guardian-confirmation": content("guardian-confirmation", guardian=number, ceremony=b64(32)),
    "roll-commitment": content("roll-commitment", registrar=number, credentials=integer(1), commitment=b64(32)),
    "roll": content(
        "roll", registrar=number, first=integer(), commitments=b64(32), parts=points, styles=many(integer(), 1, 1000)
    ),
    "roll-revocation": content("roll-revocation", credential=b64(32), reason=text),
    "roll-replacement": content("roll-replacement", credential=b64(32), parts=points, proofs=points, reason=text),
    "opening": content("opening", key=b64(32), credentials=integer(), roll=b64(32)),
    "closing": content("closing", ballots=integer()),
    "paper-count": content(
        "paper-count",
        district=identifier,
        contest=identifier,
        stations=many(record(id=identifier, invalid=integer(), votes=many(integer(), 1, 256)), 1, 500),
        late=boolean,
    ),
    "partial-decryption": content(
        "partial-decryption",
        guardian=number,
        size=integer(),
        root=b64(32),
        units=many(_districts, 0, LONGEST_ENTRY),
        aggregates=b64(32),
        points=b64(0, LONGEST_ENTRY),
        proof=points,
    ),
    "result": content(
        "result",
        credentials=integer(),
        voted=integer(),
        accepted=integer(),
        superseded=integer(),
        counted=integer(),
        refused=integer(),
        units=many(
            record(
                districts=_districts,
                state=one_of("reported", "empty", "withheld"),
                counted=integer(),
                contests=many(record(contest=identifier, counts=many(integer(), 0, LONGEST_ENTRY)), 0, LONGEST_ENTRY),
            ),
            0,
            LONGEST_ENTRY,
        ),
        combined=b64(32),
    ),
}
BALLOT = {"ciphertexts", "credential", "election", "kind", "previous", "proof", "style"}


@dataclass(frozen=True)
class Official:
    """An official's entry: members by name, binary as bytes; the signed text, and its signature lines."""

    kind: str
    members: dict[str, Any]
    text: bytes
    lines: list[Line]


@dataclass(frozen=True)
class Ballot:
    """A ballot entry; `body_hash` is H of its canonical JSON without the proof."""

    style: str
    credential: bytes
    previous: bytes
    ciphertexts: bytes
    proof: bytes
    body_hash: bytes

    @property
    def first_points(self) -> list[bytes]:
        """A_1, A_2, …, which no other ballot may use."""
        return [self.ciphertexts[at : at + 32] for at in range(0, len(self.ciphertexts), 64)]


def is_ballot(raw: bytes) -> bool:
    """8.3: an entry without a newline byte is of kind ballot, whatever else is wrong with it."""
    return b"\n" not in raw


def read_official(raw: bytes) -> Official:
    """Members of an official's entry, form checked as far as it can be without the manifest. Refusal if it is none."""
    refuse_unless(len(raw) <= LONGEST_ENTRY, f"an entry of {len(raw)} bytes")
    signed, lines = parse_note(raw)
    again = b"".join(f"{DASH} {line.name} {_b64(line.id + line.signature)}\n".encode() for line in lines)
    refuse_unless(signed + b"\n" + again == raw, "an entry that does not read back to its own bytes")
    refuse_unless(signed.count(b"\n") == 1, "an official's entry of more than one line")
    value = parse_canonical(signed[:-1])
    refuse_unless(isinstance(value, dict) and isinstance(value.get("kind"), str), "an entry without a kind")
    kind = value["kind"]
    if kind == "manifest":
        return Official(kind, read_manifest(value), signed, lines)
    refuse_unless(kind in FORMS, f"an entry of the unknown kind {kind[:40]!r}")
    return Official(kind, FORMS[kind](value), signed, lines)


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def check_official(entry: Official, manifest: Manifest, election: bytes) -> None:
    """The rest of V09: this election, and what the manifest decides about numbers, lengths and ids."""
    members, kind = entry.members, entry.kind
    if kind == "manifest":
        return
    refuse_unless(members["election"] == election, "an entry of another election")
    n, k = len(manifest["guardians"]["keys"]), manifest["guardians"]["threshold"]
    registrars = len(manifest["registrars"])
    for name in ("guardian", "against", "complainant"):
        refuse_unless(members.get(name, 1) <= n, f"there is no guardian {members.get(name)}")
    refuse_unless(members.get("registrar", 1) <= registrars, f"there is no registrar {members.get('registrar')}")
    if kind == "guardian-commitment":
        require_points(members["commitments"], k)
        require_proof(members["proof"], k, k)
    elif kind == "guardian-shares":
        others = [other for other in range(1, n + 1) if other != members["guardian"]]
        refuse_unless([share["guardian"] for share in members["shares"]] == others, "shares for other guardians")
    elif kind == "guardian-answer":
        require_scalars(members["share"], 1)
    elif kind == "roll":
        require_points(members["parts"], len(members["styles"]))
        refuse_unless(max(members["styles"]) < len(manifest["styles"]), "an unknown style")
    elif kind == "roll-revocation":
        require_points(members["credential"], 1)
    elif kind == "roll-replacement":
        require_points(members["credential"], 1)
        require_points(members["parts"], registrars)
        refuse_unless(len(members["proofs"]) == 64 * registrars, "another number of proofs than of registrars")
        for at in range(0, 64 * registrars, 64):
            require_proof(members["proofs"][at : at + 64], 1, 1)
    elif kind == "opening":
        require_points(members["key"], 1)
    elif kind == "paper-count":
        _check_paper_count(members, manifest)
    elif kind == "partial-decryption":
        _check_districts(members["units"], manifest)
        count = len(members["points"]) // 32
        require_points(members["points"], count)
        require_proof(members["proof"], count + 1, 1)
    elif kind == "result":
        _check_districts([unit["districts"] for unit in members["units"]], manifest)
        named = {contest["contest"] for unit in members["units"] for contest in unit["contests"]}
        refuse_unless(named <= set(manifest["contest"]), "a unit with an unknown contest")


def _check_paper_count(members: dict[str, Any], manifest: Manifest) -> None:
    contests = manifest["contests_of"].get(members["district"], [])
    refuse_unless(members["contest"] in contests, "a paper count of a contest that its district has not")
    options = len(manifest["contest"][members["contest"]]["options"])
    right = all(len(station["votes"]) == options for station in members["stations"])
    refuse_unless(right, "a polling station without one number for each option")
    names = {station["id"] for station in members["stations"]}
    refuse_unless(len(names) == len(members["stations"]), "two polling stations with one id")


def _check_districts(units: list[list[str]], manifest: Manifest) -> None:
    known = all(district in manifest["contests_of"] for unit in units for district in unit)
    refuse_unless(known, "a unit with an unknown district")


def require_points(raw: bytes, count: int) -> None:
    """`count` well-encoded points, none of them the identity."""
    refuse_unless(len(raw) == 32 * count, f"{len(raw)} bytes instead of {count} points")
    _require_all(RISTRETTO255.decode, raw, "a point that is the identity or not canonical")


def require_scalars(raw: bytes, count: int) -> None:
    """`count` canonical scalars."""
    refuse_unless(len(raw) == 32 * count, f"{len(raw)} bytes instead of {count} scalars")
    _require_all(RISTRETTO255.decode_scalar, raw, "a scalar that is not canonical")


def _require_all(decode: Callable[[bytes], object], raw: bytes, reason: str) -> None:
    try:
        for at in range(0, len(raw), 32):
            decode(raw[at : at + 32])
    except EncodingError:
        raise Refusal(reason) from None


def require_proof(raw: bytes, equations: int, scalars: int) -> None:
    """A NARG string of that shape, well encoded."""
    require_points(raw[: 32 * equations], equations)
    require_scalars(raw[32 * equations :], scalars)


def read_ballot(raw: bytes, manifest: Manifest, election: bytes) -> Ballot:
    """V09 of a ballot, but for the encoding of its points and scalars (`check_ballot_encodings`)."""
    value = parse_canonical(raw)
    refuse_unless(isinstance(value, dict) and set(value) == BALLOT, "a ballot with other members")
    refuse_unless(value["kind"] == "ballot" and isinstance(value["style"], str), "not a ballot")
    refuse_unless(base64url(value["election"], 32) == election, "a ballot of another election")
    index = manifest["style_index"].get(value["style"])
    refuse_unless(index is not None, "a ballot of an unknown style")
    shape = shape_of(manifest, index)
    ciphertexts = base64url(value["ciphertexts"], shape.ciphertexts_length)
    proof = base64url(value["proof"], shape.proof_length)
    # Within a string a quotation mark is escaped, so the member's text stands nowhere else in canonical bytes.
    body = raw.replace(b',"proof":"' + value["proof"].encode() + b'"', b"", 1)
    return Ballot(
        value["style"],
        base64url(value["credential"], 32),
        base64url(value["previous"], 32),
        ciphertexts,
        proof,
        hashlib.sha256(body).digest(),
    )


def check_ballot_encodings(ballot: Ballot, manifest: Manifest) -> None:
    """The rest of V09 of a ballot."""
    shape = shape_of(manifest, manifest["style_index"][ballot.style])
    require_points(ballot.credential, 1)
    require_points(ballot.ciphertexts, 2 * shape.bits)
    require_proof(ballot.proof, shape.equation_count, shape.scalar_count)


def signers(entry: Official, manifest: Manifest) -> list[Key]:
    """Whose signature lines an entry has, in this order (page 4)."""
    if "guardian" in entry.members:
        return [manifest["guardians"]["keys"][entry.members["guardian"] - 1]]
    if "registrar" in entry.members:
        return [manifest["registrars"][entry.members["registrar"] - 1]]
    if entry.kind in ("roll-revocation", "roll-replacement"):
        return list(manifest["registrars"])
    return [manifest["authority"]]


def wrong_signature(entry: Official, manifest: Manifest) -> str | None:
    """Why the signature lines are not those the kind demands; None if they are."""
    keys = signers(entry, manifest)
    if len(entry.lines) != len(keys) or not all(map(Line.is_of, entry.lines, keys)):
        return f"signed by {', '.join(line.name for line in entry.lines)[:200]}"
    for key, line in zip(keys, entry.lines, strict=True):
        if key.kind != SIGNATURE or not ed25519.verify(key.public, entry.text, line.signature):
            return f"the signature of {key.name} is wrong"
    return None
