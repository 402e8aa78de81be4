"""Canonical JSON is a bijection between values and byte strings, whatever the value (docs/spec 1.1)."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from retally_crypto.canonical import MAX_INTEGER, canonical_bytes, parse_canonical
from retally_crypto.errors import Malformed

STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES = st.text(st.characters(max_codepoint=0x7F), max_size=8)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(0, MAX_INTEGER), STRINGS)
# Three steps out from a leaf at most, so that every value is within 8 levels.
VALUES = LEAVES
for _ in range(3):
    VALUES = st.one_of(LEAVES, st.lists(VALUES, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))


def independently(value: Any) -> bytes:
    """Canonical form by the words of 1.1, written without `json`."""
    if value is None or isinstance(value, bool):
        return {None: b"null", True: b"true", False: b"false"}[value]
    if isinstance(value, int):
        return str(value).encode()
    if isinstance(value, list):
        return b"[" + b",".join(map(independently, value)) + b"]"
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: [ord(letter) for letter in pair[0]])
        return b"{" + b",".join(independently(name) + b":" + independently(member) for name, member in pairs) + b"}"
    short = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r"}
    letters = (short.get(letter) or (f"\\u{ord(letter):04x}" if letter < " " else letter) for letter in value)
    return ('"' + "".join(letters) + '"').encode()


@given(VALUES)
def test_a_value_has_one_form_and_is_read_back_from_it(value: Any) -> None:
    raw = canonical_bytes(value)
    assert raw == independently(value)
    assert parse_canonical(raw) == value


@given(VALUES, st.sampled_from(["indent", "spaces", "ascii", "unsorted"]))
def test_another_spelling_of_a_value_is_refused(value: Any, spelling: str) -> None:
    settings_of: dict[str, dict[str, Any]] = {
        "indent": {"indent": 1, "sort_keys": True, "ensure_ascii": False},
        "spaces": {"sort_keys": True, "ensure_ascii": False},
        "ascii": {"sort_keys": True, "separators": (",", ":")},
        "unsorted": {"ensure_ascii": False, "separators": (",", ":")},
    }
    other = json.dumps(value, **settings_of[spelling]).encode()
    if other == canonical_bytes(value):
        return
    try:
        parse_canonical(other)
    except Malformed:
        return
    raise AssertionError(f"{other!r} is a second form of {value!r}")


@settings(max_examples=300)
@given(VALUES, st.data())
def test_after_any_change_of_bytes_it_is_another_value_or_none(value: Any, data: st.DataObject) -> None:
    raw = bytearray(canonical_bytes(value))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    try:
        other = parse_canonical(bytes(raw))
    except Malformed:
        return
    assert canonical_bytes(other) == bytes(raw)
    assert (type(other), other) != (type(value), value)


@settings(max_examples=300)
@given(st.one_of(st.binary(max_size=60), st.text('{}[]":,\\ub0189aen-.', max_size=60).map(str.encode)))
def test_any_bytes_are_canonical_or_malformed_and_nothing_else(raw: bytes) -> None:
    try:
        value = parse_canonical(raw)
    except Malformed:
        return
    assert canonical_bytes(value) == raw
