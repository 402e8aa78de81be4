"""Officials' entries are held to every constraint of docs/spec 4.2-4.5 and to their kind's signers (V09, V04)."""

from typing import Any

import pytest
from pydantic import ValidationError

from retally_crypto.encoding import b64url_decode
from retally_crypto.entries import (
    Closing,
    Content,
    GuardianComplaint,
    PaperCount,
    Result,
    Roll,
    SignedEntry,
    check_signatures,
    election_id,
    parse_entry,
    required_signers,
)
from retally_crypto.entry_forms import check_encodings
from retally_crypto.entry_writing import entry_text
from retally_crypto.errors import BadSignature, Malformed
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_crypto.secret.sign import sign_entry
from retally_lab.boards.entry_examples import (
    ABSENT,
    BALLOT,
    IDENTITY,
    MANIFEST,
    MANIFEST_MEMBERS,
    NOT_CANONICAL,
    OFFICIAL,
    SIGNERS,
    Members,
    Path,
    b64,
    changed,
    official,
    paths,
    points,
    scalars,
    signed,
)
from retally_lab.boards.manifests import ELECTION, OTHER_ELECTION, signing_key

KINDS = sorted(OFFICIAL)


def form(members: Members) -> SignedEntry:
    """The entry of these members, past both halves of V09."""
    entry = parse_entry(signed(members), ELECTION)
    assert isinstance(entry, SignedEntry)
    check_encodings(entry, MANIFEST)
    return entry


def members_within(kind: str) -> list[Path]:
    return [path for path in paths(OFFICIAL[kind]) if isinstance(path[-1], str)]


def value_at(members: Any, path: Path) -> Any:
    for step in path:
        members = members[step]
    return members


EVERY_MEMBER = [(kind, path) for kind in KINDS for path in members_within(kind)]
EVERY_OBJECT = [
    (kind, path) for kind in KINDS for path in sorted({path[:-1] for path in members_within(kind)}, key=str)
]


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_of_every_kind_is_read_and_written_back_to_its_bytes(kind: str) -> None:
    raw = signed(OFFICIAL[kind])
    entry = form(OFFICIAL[kind])
    assert (entry.kind, entry.raw, entry.content.kind) == (kind, raw, kind)
    assert raw.startswith(entry_text(entry.content) + b"\n")
    keys = [signing_key(official(name)) for name in SIGNERS[kind]]
    assert sign_entry(entry.content, keys) == raw
    check_signatures(entry, MANIFEST)


def test_binary_members_are_held_as_bytes_and_arrays_as_tuples() -> None:
    content: Any = form(OFFICIAL["roll"]).content
    assert content.parts == points(3)
    assert content.styles == (0, 1, 0)
    shares: Any = form(OFFICIAL["guardian-shares"]).content
    assert [share.ciphertext for share in shares.shares] == [bytes(80), bytes(80)]


def test_a_program_builds_an_entry_from_bytes() -> None:
    closing = Closing(election=ELECTION, ballots=7)
    assert sign_entry(closing, [signing_key(official("authority"))]) == signed(OFFICIAL["closing"])


@pytest.mark.parametrize(("kind", "path"), EVERY_MEMBER)
def test_no_member_can_be_left_out(kind: str, path: Path) -> None:
    with pytest.raises(Malformed, match=str(path[-1])):
        form(changed(OFFICIAL[kind], path, ABSENT))


@pytest.mark.parametrize(("kind", "path"), EVERY_OBJECT)
def test_no_object_has_a_member_more(kind: str, path: Path) -> None:
    with pytest.raises(Malformed, match="more"):
        form(changed(OFFICIAL[kind], (*path, "more"), 1))


WRONG: tuple[Any, ...] = (None, True, 0, "0", [], {})
OTHER_TYPES: list[tuple[str, Path, Any]] = [
    (kind, path, wrong)
    for kind, path in EVERY_MEMBER
    for wrong in WRONG
    if type(wrong) is not type(value_at(OFFICIAL[kind], path))
]


@pytest.mark.parametrize(("kind", "path", "wrong"), OTHER_TYPES)
def test_no_member_is_converted_from_another_type(kind: str, path: Path, wrong: Any) -> None:
    with pytest.raises(Malformed, match=str(path[-1])):
        form(changed(OFFICIAL[kind], path, wrong))


BINARY = [
    (kind, path)
    for kind, path in EVERY_MEMBER
    if path[-1]
    in {
        "election",
        "commitments",
        "encryption_key",
        "proof",
        "ciphertext",
        "share",
        "ceremony",
        "commitment",
        "parts",
        "credential",
        "proofs",
        "key",
        "roll",
        "root",
        "aggregates",
        "points",
        "combined",
    }
]


@pytest.mark.parametrize(("kind", "path"), BINARY)
def test_a_binary_member_has_its_length_to_the_byte(kind: str, path: Path) -> None:
    raw = b64url_decode(value_at(OFFICIAL[kind], path))
    for other in (b"", raw[:-1], raw + b"\x00", raw[:-32], raw + points(1)):
        with pytest.raises(Malformed, match=r"bytes|needed"):
            form(changed(OFFICIAL[kind], path, b64(other)))


@pytest.mark.parametrize(("kind", "path"), BINARY)
def test_a_binary_member_has_one_spelling(kind: str, path: Path) -> None:
    text = value_at(OFFICIAL[kind], path)
    padded = text + "=" * (-len(text) % 4 or 4)
    with pytest.raises(Malformed, match="base64url"):
        form(changed(OFFICIAL[kind], path, padded))
    with pytest.raises(Malformed, match="base64url"):
        form(changed(OFFICIAL[kind], path, "+/" + text[2:]))
    if len(text) % 4:
        spare = chr(ord(text[-1]) + 1)
        assert b64url_decode(text)
        with pytest.raises(Malformed, match="base64url"):
            form(changed(OFFICIAL[kind], path, text[:-1] + spare))


def replacement_proofs(first: bytes = b"", second: bytes = b"") -> str:
    return b64((first or points(1) + scalars(1)) + (second or points(1) + scalars(1)))


def stations(count: int) -> list[Members]:
    return [{"id": f"s{i}", "invalid": 0, "votes": [0, 0, 0]} for i in range(count)]


BROKEN: list[tuple[str, Path, Any, str]] = [
    ("guardian-commitment", ("guardian",), 0, "guardian"),
    ("guardian-commitment", ("guardian",), 4, "no guardian 4"),
    ("guardian-commitment", ("commitments",), b64(points(3)), "commitments: 96 bytes, 64 needed"),
    ("guardian-commitment", ("commitments",), b64(points(1) + IDENTITY), "commitments: point 1"),
    ("guardian-commitment", ("commitments",), b64(NOT_CANONICAL + points(1)), "commitments: point 0"),
    ("guardian-commitment", ("proof",), b64(points(1) + IDENTITY + scalars(2)), "commitment of the proof: point 1"),
    ("guardian-commitment", ("proof",), b64(points(2) + scalars(1) + NOT_CANONICAL), "response of the proof: scalar 1"),
    ("guardian-shares", ("guardian",), 4, "no guardian 4"),
    ("guardian-shares", ("guardian",), 3, "every other guardian"),
    ("guardian-shares", ("shares",), [], "every other guardian"),
    ("guardian-shares", ("shares",), [*reversed(OFFICIAL["guardian-shares"]["shares"])], "ascending"),
    ("guardian-shares", ("shares",), OFFICIAL["guardian-shares"]["shares"][:1] * 2, "every other guardian"),
    ("guardian-shares", ("shares", 1, "guardian"), 4, "every other guardian"),
    ("guardian-shares", ("shares", 0, "guardian"), 0, "guardian"),
    ("guardian-complaint", ("guardian",), 4, "no guardian 4"),
    ("guardian-complaint", ("against",), 0, "against"),
    ("guardian-complaint", ("against",), 4, "no guardian 4"),
    ("guardian-answer", ("guardian",), 4, "no guardian 4"),
    ("guardian-answer", ("complainant",), 4, "no guardian 4"),
    ("guardian-answer", ("complainant",), 0, "complainant"),
    ("guardian-answer", ("share",), b64(NOT_CANONICAL), "share: scalar 0"),
    ("guardian-confirmation", ("guardian",), 4, "no guardian 4"),
    ("roll-commitment", ("registrar",), 0, "registrar"),
    ("roll-commitment", ("registrar",), 3, "no registrar 3"),
    ("roll-commitment", ("credentials",), 0, "credentials"),
    ("roll", ("registrar",), 3, "no registrar 3"),
    ("roll", ("parts",), b64(points(2)), "parts: 64 bytes, 96 needed"),
    ("roll", ("parts",), b64(points(2) + IDENTITY), "parts: point 2"),
    ("roll", ("parts",), b64(points(2) + NOT_CANONICAL), "parts: point 2"),
    ("roll", ("styles",), [], "styles"),
    ("roll", ("styles",), [0] * 1001, "styles"),
    ("roll", ("styles", 1), 2, "no style of index 2"),
    ("roll", ("styles", 1), True, "styles"),
    ("roll-revocation", ("credential",), b64(IDENTITY), "credential: point 0"),
    ("roll-revocation", ("credential",), b64(NOT_CANONICAL), "credential: point 0"),
    ("roll-revocation", ("reason",), "", "1 to 300"),
    ("roll-replacement", ("credential",), b64(IDENTITY), "credential: point 0"),
    ("roll-replacement", ("parts",), b64(points(3)), "parts: 96 bytes, 64 needed"),
    ("roll-replacement", ("parts",), b64(points(1) + IDENTITY), "parts: point 1"),
    ("roll-replacement", ("proofs",), b64(points(1) + scalars(1)), "proofs: 64 bytes, 128 needed"),
    ("roll-replacement", ("proofs",), replacement_proofs(second=IDENTITY + scalars(1)), "commitment of a proof"),
    ("roll-replacement", ("proofs",), replacement_proofs(first=points(1) + NOT_CANONICAL), "response of a proof"),
    ("roll-replacement", ("reason",), "a" * 301, "1 to 300"),
    ("opening", ("key",), b64(IDENTITY), "key: point 0"),
    ("opening", ("key",), b64(NOT_CANONICAL), "key: point 0"),
    ("paper-count", ("district",), "d9", "d9"),
    ("paper-count", ("district",), "D1", "district"),
    ("paper-count", ("contest",), "none", "none"),
    ("paper-count", ("stations",), [], "stations"),
    ("paper-count", ("stations",), stations(501), "stations: .* at most 500"),
    ("paper-count", ("stations", 1, "id"), "s1", "twice"),
    ("paper-count", ("stations", 0, "id"), "Nº1", "id"),
    ("paper-count", ("stations", 0, "votes"), [1, 2], "2 numbers of votes for 3 options"),
    ("paper-count", ("stations", 0, "votes"), [1, 2, 3, 4], "4 numbers of votes for 3 options"),
    ("paper-count", ("stations", 0, "votes", 1), "2", "votes"),
    ("paper-count", ("late",), 1, "late"),
    ("partial-decryption", ("guardian",), 4, "no guardian 4"),
    ("partial-decryption", ("units", 0, 1), "d9", "no district d9"),
    ("partial-decryption", ("units", 0), "d1", "units"),
    ("partial-decryption", ("units", 0, 0), 1, "units"),
    ("partial-decryption", ("points",), b64(points(6)), "proof: 288 bytes, 256 needed"),
    ("partial-decryption", ("points",), b64(points(6) + IDENTITY), "points: point 6"),
    ("partial-decryption", ("proof",), b64(points(7) + IDENTITY + scalars(1)), "commitment of the proof: point 7"),
    ("partial-decryption", ("proof",), b64(points(8) + NOT_CANONICAL), "response of the proof: scalar 0"),
    ("result", ("units", 0, "state"), "counted", "state"),
    ("result", ("units", 0, "districts", 0), "d9", "no district d9"),
    ("result", ("units", 0, "contests", 0, "contest"), "none", "no contest none"),
    ("result", ("units", 0, "contests", 0, "counts", 0), None, "counts"),
]


@pytest.mark.parametrize(("kind", "path", "value", "reason"), BROKEN)
def test_every_constraint_of_a_member_is_kept_and_named(kind: str, path: Path, value: Any, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        form(changed(OFFICIAL[kind], path, value))


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("roll", ("first",), 2**53 - 1),
        ("guardian-answer", ("share",), b64(bytes(32))),
        ("guardian-commitment", ("encryption_key",), b64(NOT_CANONICAL)),
        ("paper-count", ("stations",), stations(500)),
        ("paper-count", ("late",), True),
        ("partial-decryption", ("units",), []),
        ("partial-decryption", ("units",), [[], ["d1"], ["d1"]]),
        ("result", ("units",), []),
        ("result", ("units", 0, "districts"), []),
        ("result", ("units", 0, "contests"), []),
        ("result", ("units", 0, "contests", 0, "counts"), [1]),
    ],
)
def test_form_refuses_nothing_that_another_check_names(kind: str, path: Path, value: Any) -> None:
    assert form(changed(OFFICIAL[kind], path, value)).kind == kind


@pytest.mark.parametrize(
    ("model", "path", "wrong"),
    [(Result, ("units",), [{}] * 1000), (Roll, ("styles",), ["x"] * 1000), (PaperCount, ("stations",), [0] * 500)],
)
def test_a_list_of_wrong_items_is_read_up_to_the_first(model: type[Content], path: Path, wrong: Any) -> None:
    kind = model.model_fields["kind"].default
    with pytest.raises(ValidationError) as refused:
        model.model_validate(changed(OFFICIAL[kind], path, wrong))
    assert {fault["loc"][:2] for fault in refused.value.errors()} == {(*path, 0)}


def test_a_partial_decryption_of_nothing_has_the_proof_of_one_equation() -> None:
    empty = changed(OFFICIAL["partial-decryption"], ("points",), "")
    with pytest.raises(Malformed, match="proof: 288 bytes, 64 needed"):
        form(empty)
    assert form(changed(empty, ("proof",), b64(points(1) + scalars(1)))).kind == "partial-decryption"


def test_a_roll_entry_holds_a_thousand_credentials() -> None:
    thousand = changed(changed(OFFICIAL["roll"], ("styles",), [1] * 1000), ("parts",), b64(points(1) * 1000))
    assert form(thousand).kind == "roll"


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_belongs_to_one_election(kind: str) -> None:
    with pytest.raises(Malformed, match=f"names election {ELECTION.hex()}"):
        parse_entry(signed(OFFICIAL[kind]), OTHER_ELECTION)


@pytest.mark.parametrize("kind", ["", "ballot", "import", "roll ", 3, None, ABSENT])
def test_an_official_writes_no_other_kind(kind: Any) -> None:
    with pytest.raises(Malformed, match="kind"):
        parse_entry(signed(changed(OFFICIAL["closing"], ("kind",), kind)), ELECTION)


def test_members_of_one_kind_are_none_of_another() -> None:
    with pytest.raises(Malformed, match="roll-revocation"):
        form(changed(OFFICIAL["closing"], ("kind",), "roll-revocation"))


def test_entry_0_is_a_manifest_and_names_no_election() -> None:
    raw = signed(MANIFEST_MEMBERS)
    entry = parse_entry(raw, None)
    assert isinstance(entry, SignedEntry)
    assert entry.content == MANIFEST
    assert election_id(raw) == election_id(bytes(raw)) != election_id(raw + b"\n")
    with pytest.raises(Malformed, match="entry 0 is a closing"):
        parse_entry(signed(OFFICIAL["closing"]), None)
    with pytest.raises(Malformed, match="election"):
        parse_entry(signed({**MANIFEST_MEMBERS, "election": b64(ELECTION)}), None)


def test_an_entry_is_one_line_of_json_and_its_signatures() -> None:
    raw = signed(OFFICIAL["closing"])
    line, _, signature = raw.partition(b"\n\n")
    for other in (
        b"",
        b"\n",
        line + b"\n",
        line + b"\n\n",
        raw[:-1],
        raw + b"\n",
        b"\n" + raw,
        line + b"\n" + signature,
        line + b"\n{}\n\n" + signature,
        line + b" \n\n" + signature,
        raw.replace(b"\n", b"\r\n"),
        raw.replace("— ".encode(), b"- "),
    ):
        with pytest.raises(Malformed):
            parse_entry(other, ELECTION)


def test_an_entry_is_at_most_65535_bytes() -> None:
    with pytest.raises(Malformed, match="65536 bytes"):
        parse_entry(b"\n" * (MAX_ENTRY_BYTES + 1), ELECTION)
    unit = {"districts": ["d1"], "state": "empty", "counted": 0, "contests": []}
    long = Result.model_validate(changed(OFFICIAL["result"], ("units",), [unit] * 1100))
    with pytest.raises(Malformed, match="at most 65535"):
        sign_entry(long, [signing_key(official("authority"))])


@pytest.mark.parametrize("kind", [*KINDS, "manifest"])
def test_each_kind_has_its_signers(kind: str) -> None:
    members = MANIFEST_MEMBERS if kind == "manifest" else OFFICIAL[kind]
    entry = parse_entry(signed(members), None if kind == "manifest" else ELECTION)
    assert isinstance(entry, SignedEntry)
    names = [key.name for key in required_signers(entry.content, MANIFEST)]
    assert names == [official(name) for name in SIGNERS[kind]]


@pytest.mark.parametrize("kind", KINDS)
def test_no_other_signature_lines_are_accepted(kind: str) -> None:
    right = list(SIGNERS[kind])
    stranger = "authority" if right != ["authority"] else "guardian-1"
    others = [[stranger], ["nobody"], [*right, stranger], [stranger, *right], right * 2, [*right[1:], "registrar-9"]]
    if len(right) > 1:
        others += [right[:1], right[1:], right[::-1]]
    for signers in others:
        entry = parse_entry(signed(OFFICIAL[kind], signers), ELECTION)
        assert isinstance(entry, SignedEntry)
        with pytest.raises(BadSignature, match=f"{kind} is signed by"):
            check_signatures(entry, MANIFEST)


def test_a_guardian_cannot_sign_for_another_number() -> None:
    entry = parse_entry(signed(OFFICIAL["guardian-complaint"], ["guardian-1"]), ELECTION)
    assert isinstance(entry, SignedEntry)
    with pytest.raises(BadSignature, match=r"not by example\.org/guardian-3"):
        check_signatures(entry, MANIFEST)


def test_a_signature_is_of_this_text() -> None:
    raw = signed(OFFICIAL["closing"])
    entry = parse_entry(raw.replace(b'"ballots":7', b'"ballots":8'), ELECTION)
    assert isinstance(entry, SignedEntry)
    with pytest.raises(BadSignature, match="does not verify"):
        check_signatures(entry, MANIFEST)


def test_signers_of_an_official_who_is_not_there_are_an_error_with_a_name() -> None:
    with pytest.raises(Malformed, match="no guardian 4"):
        required_signers(GuardianComplaint(election=ELECTION, guardian=4, against=1), MANIFEST)


def test_a_ballots_members_under_a_signature_are_no_entry() -> None:
    with pytest.raises(Malformed, match="no official's entry of kind 'ballot'"):
        parse_entry(signed(BALLOT), ELECTION)
