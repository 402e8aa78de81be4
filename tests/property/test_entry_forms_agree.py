"""Two verifiers that share no code agree on the form of every entry (V09) and on every manifest (V03).

Each example takes a well-formed entry and exchanges one member for a value from a pool of near misses.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retally_crypto.canonical import canonical_bytes, parse_canonical
from retally_crypto.entries import SignedEntry, parse_entry
from retally_crypto.entry_forms import check_encodings
from retally_crypto.errors import Malformed
from retally_crypto.manifest import Manifest, check_manifest
from retally_lab.boards.entry_examples import (
    ABSENT,
    BALLOT,
    IDENTITY,
    MANIFEST,
    MANIFEST_MEMBERS,
    NOT_CANONICAL,
    OFFICIAL,
    Members,
    Path,
    b64,
    changed,
    paths,
    points,
    scalars,
    signed,
)
from retally_lab.boards.manifests import ELECTION, contest, vkey
from retally_reference import canonical as reference_canonical
from retally_reference import entries as reference
from retally_reference.canonical import Refusal
from retally_reference.manifest import broken_rules, read_manifest

REFERENCE_MANIFEST = read_manifest(MANIFEST_MEMBERS)


POOL: list[Any] = [
    *(ABSENT, None, True, False, {}, [], [[]], [[], []], [0], [""], "", " ", "x", "a\n", "é", "a\u202eb"),
    *(0, 1, 2, 3, 4, 32, 33, 300, 1000, 1001, 86_400, 86_401, 2**32 - 1, 2**32, 2**53 - 1),
    *("a" * 64, "a" * 65, "a" * 300, "a" * 301, "d1", "d2", "d3", "blank", "approval", "none", "o1", "d1-1", "s1"),
    *(
        "reported",
        "empty",
        "withheld",
        "total",
        "option",
        "RETALLY-V01",
        "RETALLY-V02",
        *OFFICIAL,
        "manifest",
        "ballot",
    ),
    *(b64(bytes(size)) for size in (0, 1, 31, 32, 33, 64, 80, 81)),
    *(b64(points(size)) for size in (1, 2, 3, 7, 8)),
    *(
        b64(scalars(1)),
        b64(NOT_CANONICAL),
        b64(points(1) + IDENTITY),
        b64(points(1) + scalars(1)),
        "AB",
        "A" * 43 + "=",
    ),
    *([0] * size for size in (3, 4, 64, 65, 256, 257, 1000, 1001, 5000)),
    *(["d1"] * size for size in (2, 64, 65, 5000)),
    *(
        [["d1"]] * 2,
        [["d9"]],
        [["d1"]] * 4097,
        ["blank"],
        ["approval", "blank"],
        ["blank", "approval"],
        ["blank", "blank"],
    ),
    *(vkey("x"), vkey("example.org/board"), [vkey("x")], [vkey("x")] * 2, [vkey(f"x{i}") for i in range(17)]),
    [{"contest": "blank", "counts": []}],
    [{"contest": "none", "counts": [1, 2, 3]}],
    [{"contest": "a", "counts": [0]}] * 65,
    [{"contest": "blank", "counts": [0] * 300}],
    [contest("blank", 3, 0, 4)],
    [contest("blank", 3, 2, 1), contest("approval", 200, 0, 200)],
    [contest("blank", 3, 0, 3, limit="option"), contest("approval", 250, 0, 250)],
]


def our_form(raw: bytes) -> bool:
    try:
        check_encodings(parse_entry(raw, ELECTION), MANIFEST)
    except Malformed:
        return False
    return True


def reference_form(raw: bytes) -> bool:
    try:
        if reference.is_ballot(raw):
            ballot = reference.read_ballot(raw, REFERENCE_MANIFEST, ELECTION)
            reference.check_ballot_encodings(ballot, REFERENCE_MANIFEST)
        else:
            reference.check_official(reference.read_official(raw), REFERENCE_MANIFEST, ELECTION)
    except Refusal:
        return False
    return True


def our_manifest(raw: bytes) -> bool:
    try:
        entry = parse_entry(raw, None)
    except Malformed:
        return False
    assert isinstance(entry, SignedEntry)
    assert isinstance(entry.content, Manifest)
    return not check_manifest(entry.content)


def reference_manifest(raw: bytes) -> bool:
    try:
        entry = reference.read_official(raw)
    except Refusal:
        return False
    return entry.kind == "manifest" and not broken_rules(entry.members)


def signable(members: Members) -> bool:
    """Whether the members make an entry at all; what is too long is refused before its form is looked at."""
    try:
        return len(canonical_bytes(members)) < 65_000
    except (Malformed, ValueError):
        return False


PLACES = [(kind, path) for kind in sorted(OFFICIAL) for path in paths(OFFICIAL[kind])]


@pytest.mark.parametrize("kind", sorted(OFFICIAL))
def test_both_accept_the_examples(kind: str) -> None:
    raw = signed(OFFICIAL[kind])
    assert our_form(raw)
    assert reference_form(raw)


@settings(max_examples=1500, deadline=None)
@given(st.sampled_from(PLACES), st.sampled_from(POOL))
def test_both_say_the_same_of_an_officials_entry(place: tuple[str, Path], value: Any) -> None:
    kind, path = place
    members = changed(OFFICIAL[kind], path, value)
    if signable(members):
        raw = signed(members)
        assert our_form(raw) == reference_form(raw)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(paths(MANIFEST_MEMBERS)), st.sampled_from(POOL))
def test_both_say_the_same_of_a_manifest(path: Path, value: Any) -> None:
    members = changed(MANIFEST_MEMBERS, path, value)
    if signable(members):
        raw = signed(members)
        assert our_manifest(raw) == reference_manifest(raw)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(paths(BALLOT)), st.sampled_from(POOL))
def test_both_say_the_same_of_a_ballot(path: Path, value: Any) -> None:
    raw = canonical_bytes(changed(BALLOT, path, value))
    assert our_form(raw) == reference_form(raw)


@settings(max_examples=400, deadline=None)
@given(st.one_of(st.binary(max_size=40), st.text('{}[]":,\\ub0189aen-.', max_size=40).map(str.encode)))
def test_both_say_the_same_of_any_bytes_as_json(raw: bytes) -> None:
    try:
        ours: Any = parse_canonical(raw)
    except Malformed:
        ours = Malformed
    try:
        theirs: Any = reference_canonical.parse_canonical(raw)
    except Refusal:
        theirs = Malformed
    assert ours == theirs


@settings(max_examples=400, deadline=None)
@given(st.sampled_from([signed(members) for members in OFFICIAL.values()] + [canonical_bytes(BALLOT)]), st.data())
def test_both_say_the_same_after_a_change_of_any_byte(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw) - 1))
    changed_byte = data.draw(st.sampled_from([*b'\x00\n\r "\\,:{}[]0A_=+/-\x7f\xe2\xff']))
    other = raw[:at] + bytes([changed_byte]) + raw[at + data.draw(st.integers(0, 1)) :]
    assert our_form(other) == reference_form(other)
