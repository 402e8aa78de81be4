"""A byte string is canonical JSON or it is refused: every rule of docs/spec 1.1, and the time it takes to refuse."""

import time
from typing import Any

import pytest

from retally_crypto.canonical import MAX_DEPTH, MAX_INTEGER, canonical_bytes, parse_canonical
from retally_crypto.errors import Malformed
from retally_crypto.notes import MAX_ENTRY_BYTES


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return opening * depth + closing * depth


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"null", None),
        (b"true", True),
        (b"0", 0),
        (b"9007199254740991", MAX_INTEGER),
        (b'""', ""),
        (b"[]", []),
        (b"{}", {}),
        (b'{"a":[1,{"b":false}],"b":null}', {"a": [1, {"b": False}], "b": None}),
        (b'{"A":1,"_":2,"a":3,"aa":4}', {"A": 1, "_": 2, "a": 3, "aa": 4}),
        (b'"\\"\\\\\\b\\t\\n\\f\\r\\u0000\\u001f"', '"\\\b\t\n\f\r\x00\x1f'),
        (b'"/\x7f"', "/\x7f"),
        ('"é\u2028\U0001f5f3"'.encode(), "é\u2028\U0001f5f3"),
        (b'"[[[[[[[[[[{{{{{{{{{{"', "[" * 10 + "{" * 10),
        (b'["\\"[[[[[[[[[["]', ['"[[[[[[[[[[']),
        (nested(b"[", b"]", MAX_DEPTH), [[[[[[[[]]]]]]]]),
        (b"[" + b"[]," * 20 + b"[]]", [[]] * 21),
    ],
)
def test_canonical_json_is_read_and_written_the_one_way_there_is(raw: bytes, value: Any) -> None:
    read = parse_canonical(raw)
    assert read == value
    assert type(read) is type(value)
    assert canonical_bytes(value) == raw


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        # 1: UTF-8, at most 65,535 bytes
        (b'"' + b"a" * (MAX_ENTRY_BYTES - 1) + b'"', "65536 bytes"),
        (b'"\xff"', "not UTF-8 at byte 1"),
        (b'"\xc0\xaf"', "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"\xef\xbb\xbf{}", "not JSON"),
        # 2: one value, integers only, 8 deep
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{}{}", "not JSON"),
        (b"[1,]", "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b'"a', "not JSON"),
        (b'"\t"', "not JSON"),
        (b'"\\x41"', "not JSON"),
        (b'"\\u00g0"', "not JSON"),
        (b"nul", "not JSON"),
        (b"01", "not JSON"),
        (b"+1", "not JSON"),
        (b"1.0", "only integers"),
        (b"1e3", "only integers"),
        (b"NaN", "only integers"),
        (b"Infinity", "only integers"),
        (b"-Infinity", "only integers"),
        (b"-1", "without sign"),
        (b"-0", "without sign"),
        (b"9007199254740992", "2\\^53"),
        (b"1" + b"0" * 5000, "2\\^53"),
        (nested(b"[", b"]", MAX_DEPTH + 1), "9 deep"),
        (nested(b'{"a":', b"", MAX_DEPTH) + b"{}" + b"}" * MAX_DEPTH, "9 deep"),
        (b'["\\\\",' + nested(b"[", b"]", MAX_DEPTH) + b"]", "9 deep"),
        # 3: no member twice, ASCII names
        (b'{"a":1,"a":1}', "'a' twice"),
        (b'{"a":1,"\\u0061":1}', "'a' twice"),
        (b'[{"b":{"a":1,"b":2,"a":3}}]', "'a' twice"),
        ('{"é":1}'.encode(), "not ASCII"),
        (b'{"\\u00e9":1}', "not ASCII"),
        # 4: no unpaired surrogate
        (b'"\\ud800"', "unpaired surrogate"),
        (b'"\\udc00\\ud800"', "unpaired surrogate"),
        (b'["a","\\udfff"]', "unpaired surrogate"),
        # 5: the one serialisation
        (b'{"b":1,"a":2}', "differs at byte 2"),
        (b'{"a": 1}', "differs at byte 5"),
        (b"[1, 2]", "differs at byte 3"),
        (b" 1", "differs at byte 0"),
        (b"1\n", "differs at byte 1"),
        (b'"\\/"', "differs at byte 1"),
        (b'"\\u0061"', "differs at byte 1"),
        (b'"\\u00e9"', "differs at byte 1"),
        (b'"\\u007f"', "differs at byte 1"),
        (b'"\\u0008"', "differs at byte 2"),
        (b'"\\u000a"', "differs at byte 2"),
        (b'"\\u001F"', "differs at byte 6"),
        (b'"\\ud83d\\uddf3"', "differs at byte 1"),
    ],
)
def test_every_other_byte_string_is_refused_with_the_rule_it_breaks(raw: bytes, rule: str) -> None:
    with pytest.raises(Malformed, match=rule):
        parse_canonical(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * MAX_ENTRY_BYTES,
        b'{"a":' * 13_000,
        b"[}" * 32_000,
        b"]" * 30_000 + b"[" * 30_000,
        b'\\"' * 32_000 + b"[" * 9,
        b'"' * 65_000 + b"[" * 9,
        b'"' + b"\\" * 65_000 + b"[" * 9,
        ("{" + ",".join(f'"{i:04x}":1' for i in range(7000)) + ',"1b57":1}').encode(),
        b"9" * 65_000,
    ],
    ids=["arrays", "objects", "mismatched", "closed first", "quotes", "strings", "escapes", "members", "digits"],
)
def test_no_input_costs_more_than_its_length(raw: bytes) -> None:
    # A quadratic reader needs seconds for the worst of these, a linear one some thousandths of one.
    start = time.process_time()
    with pytest.raises(Malformed):
        parse_canonical(raw)
    assert time.process_time() - start < 0.5


@pytest.mark.parametrize(
    "value",
    [
        -1,
        2**53,
        1.0,
        float("nan"),
        b"bytes",
        (1,),
        {1: 2},
        {"é": 1},
        "\ud800",
        [[[[[[[[[]]]]]]]]],
        {"a": {"a": {"a": {"a": {"a": {"a": {"a": {"a": {}}}}}}}}},
        [{"a": 0.5}],
    ],
)
def test_what_has_no_canonical_form_is_never_written(value: Any) -> None:
    with pytest.raises(ValueError, match=r"canonical|ASCII|deep|surrogates"):
        canonical_bytes(value)


def test_what_is_written_is_never_too_long_to_be_read() -> None:
    longest = "a" * (MAX_ENTRY_BYTES - 2)
    assert parse_canonical(canonical_bytes(longest)) == longest
    with pytest.raises(Malformed, match="65536 bytes"):
        canonical_bytes(longest + "a")
