"""A ballot entry has one form, to the byte, and the lengths its style gives it (docs/spec 4.4, 6.4-6.6, V09)."""

import time
from hashlib import sha256
from typing import Any

import pytest

from retally_crypto.canonical import canonical_bytes
from retally_crypto.entries import Ballot, parse_entry
from retally_crypto.entry_forms import check_ballot_shape, check_encodings
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.errors import Malformed
from retally_crypto.manifest import ballot_entry_length
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_lab.boards.entry_examples import (
    ABSENT,
    BALLOT,
    IDENTITY,
    LAYOUT,
    MANIFEST,
    NOT_CANONICAL,
    Members,
    b64,
    changed,
    points,
    scalars,
)
from retally_lab.boards.manifests import ELECTION, OTHER_ELECTION

RAW = canonical_bytes(BALLOT)
BODY = canonical_bytes(changed(BALLOT, ("proof",), ABSENT))
COMMITMENTS = LAYOUT.template.equations
RESPONSES = len(LAYOUT.template.scalars)
BINARY = ("ciphertexts", "credential", "election", "previous", "proof")


def read(raw: bytes) -> Ballot:
    ballot = parse_entry(raw, ELECTION)
    assert isinstance(ballot, Ballot)
    return ballot


def form(members: Members) -> Ballot:
    """The ballot of these members, past V09 without its points and scalars."""
    ballot = read(canonical_bytes(members))
    check_ballot_shape(ballot, MANIFEST)
    return ballot


def test_a_ballot_is_read_with_its_body_and_its_hash() -> None:
    ballot = form(BALLOT)
    check_encodings(ballot, MANIFEST)
    assert {name: b64(getattr(ballot, name)) for name in BINARY} == {name: BALLOT[name] for name in BINARY}
    assert (ballot.kind, ballot.style, ballot.raw) == ("ballot", "d1-1", RAW)
    assert ballot.body == BODY
    assert ballot.body_hash == sha256(BODY).digest()
    assert len(RAW) == ballot_entry_length(MANIFEST, 0)


@pytest.mark.parametrize("length", range(7))
def test_the_body_is_the_entry_without_its_proof_whatever_the_proofs_length(length: int) -> None:
    ballot = read(canonical_bytes(changed(BALLOT, ("proof",), b64(bytes(length)))))
    assert ballot.body == BODY
    assert ballot_entry(BODY, bytes(length)) == ballot.raw


def test_a_body_and_a_proof_make_the_entry() -> None:
    assert ballot_entry(BODY, points(COMMITMENTS) + scalars(RESPONSES)) == RAW


@pytest.mark.parametrize("body", [RAW, b"{}", b"[]", b"", BODY[:-1], BODY.replace(b'"style"', b'"stile"')])
def test_other_bytes_are_no_body(body: bytes) -> None:
    with pytest.raises(Malformed):
        ballot_entry(body, b"")


def test_no_entry_is_made_that_is_too_long() -> None:
    with pytest.raises(Malformed, match="at most 65535"):
        ballot_entry(BODY, bytes(MAX_ENTRY_BYTES))


@pytest.mark.parametrize("name", sorted(BALLOT))
def test_a_ballot_has_exactly_its_members(name: str) -> None:
    with pytest.raises(Malformed, match="exactly the members"):
        form(changed(BALLOT, (name,), ABSENT))
    with pytest.raises(Malformed, match="exactly the members"):
        form(changed(BALLOT, (name + "2",), BALLOT[name]))


@pytest.mark.parametrize("wrong", [None, True, 0, [], {}], ids=repr)
@pytest.mark.parametrize("name", sorted(BALLOT))
def test_every_member_is_a_string(name: str, wrong: Any) -> None:
    with pytest.raises(Malformed, match=name):
        form(changed(BALLOT, (name,), wrong))


@pytest.mark.parametrize("raw", [b"[]", b"0", b'"ballot"', b"null", b"{}", b"", b"ballot"])
def test_other_json_is_no_ballot(raw: bytes) -> None:
    with pytest.raises(Malformed):
        parse_entry(raw, ELECTION)


@pytest.mark.parametrize("kind", ["closing", "Ballot", ""])
def test_without_a_signature_there_is_no_other_kind(kind: str) -> None:
    with pytest.raises(Malformed, match="kind ballot"):
        form(changed(BALLOT, ("kind",), kind))


def test_a_ballot_is_no_entry_0() -> None:
    with pytest.raises(Malformed):
        parse_entry(RAW, None)


@pytest.mark.parametrize(
    "other", [RAW + b"\n", b"\n" + RAW, RAW.replace(b",", b",\n"), RAW + b" ", RAW.replace(b":", b": ")]
)
def test_a_ballot_spaced_differently_is_refused(other: bytes) -> None:
    with pytest.raises(Malformed):
        parse_entry(other, ELECTION)


def test_a_ballot_with_a_member_twice_is_refused() -> None:
    twice = RAW.replace(b',"style":', b',"previous":"' + b64(bytes(32)).encode() + b'","style":')
    with pytest.raises(Malformed, match="'previous' twice"):
        parse_entry(twice, ELECTION)


def test_a_ballot_belongs_to_one_election() -> None:
    with pytest.raises(Malformed, match=f"names election {ELECTION.hex()}"):
        parse_entry(RAW, OTHER_ELECTION)


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_member_has_its_length_to_the_byte(name: str) -> None:
    raw = getattr(form(BALLOT), name)
    for other in (b"", raw[:-1], raw + b"\x00", raw[:-32], raw + points(1)):
        with pytest.raises(Malformed, match=f"{name}: {len(other)} bytes"):
            form(changed(BALLOT, (name,), b64(other)))


@pytest.mark.parametrize("name", BINARY)
def test_a_binary_member_has_one_spelling(name: str) -> None:
    text = BALLOT[name]
    respelt = [text + "=" * (-len(text) % 4 or 4), "+/" + text[2:], " " + text, text + "\n", text[:-1] + "é"]
    if len(text) % 4:
        respelt.append(text[:-1] + chr(ord(text[-1]) + 1))
    for other in respelt:
        with pytest.raises(Malformed, match=f"{name}: not"):
            form(changed(BALLOT, (name,), other))


@pytest.mark.parametrize("style", ["", "d1", "D1-1", "d1-1 ", "d9-1", "a" * 1000])
def test_a_ballot_names_a_style_of_the_manifest(style: str) -> None:
    with pytest.raises(Malformed, match="there is no style"):
        form(changed(BALLOT, ("style",), style))


ENCODINGS: list[tuple[str, bytes, str]] = [
    ("credential", IDENTITY, "credential: point 0"),
    ("credential", NOT_CANONICAL, "credential: point 0"),
    ("ciphertexts", IDENTITY + points(2 * LAYOUT.n_bits - 1), "ciphertexts: point 0"),
    ("ciphertexts", points(2 * LAYOUT.n_bits - 1) + IDENTITY, f"ciphertexts: point {2 * LAYOUT.n_bits - 1}"),
    ("ciphertexts", points(2 * LAYOUT.n_bits - 1) + NOT_CANONICAL, f"ciphertexts: point {2 * LAYOUT.n_bits - 1}"),
    ("proof", IDENTITY + points(COMMITMENTS - 1) + scalars(RESPONSES), "commitment of the proof: point 0"),
    ("proof", points(COMMITMENTS - 1) + IDENTITY + scalars(RESPONSES), f"of the proof: point {COMMITMENTS - 1}"),
    ("proof", points(COMMITMENTS) + NOT_CANONICAL + scalars(RESPONSES - 1), "response of the proof: scalar 0"),
    ("proof", points(COMMITMENTS) + scalars(RESPONSES - 1) + NOT_CANONICAL, f"the proof: scalar {RESPONSES - 1}"),
]


@pytest.mark.parametrize(("name", "value", "reason"), ENCODINGS)
def test_every_point_and_scalar_is_well_encoded(name: str, value: bytes, reason: str) -> None:
    ballot = form(changed(BALLOT, (name,), b64(value)))
    with pytest.raises(Malformed, match=reason):
        check_encodings(ballot, MANIFEST)


def test_previous_is_a_hash_and_may_be_any_32_bytes() -> None:
    ballot = form(changed(BALLOT, ("previous",), b64(NOT_CANONICAL)))
    check_encodings(ballot, MANIFEST)
    assert ballot.previous == NOT_CANONICAL


def test_encodings_of_a_ballot_of_another_shape_are_not_looked_at() -> None:
    short = read(canonical_bytes(changed(BALLOT, ("proof",), b64(points(1)))))
    with pytest.raises(Malformed, match="proof: 32 bytes"):
        check_encodings(short, MANIFEST)


@pytest.mark.parametrize("raw", [b'\\"' * 32_000 + b"[" * 9, b"{" * 65_000, b'{"a":' * 13_000])
def test_what_anyone_may_send_is_refused_at_once(raw: bytes) -> None:
    start = time.process_time()
    with pytest.raises(Malformed):
        parse_entry(raw, ELECTION)
    assert time.process_time() - start < 0.5


def test_a_ballot_shows_no_long_member_in_messages() -> None:
    assert BALLOT["proof"] not in repr(form(BALLOT))
    assert len(repr(form(BALLOT))) < 800
