"""Canonical JSON: one value, one byte string (docs/spec 1.1; RFC 8785 restricted to what entries need).

Parsing is strict in one rule: what was read must serialise to the very same bytes. Size and depth are limited before
the parser runs, so that no input can exhaust its stack, and every step takes time linear in the input: anyone may send
a ballot entry.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn, TypeAlias

from retally_crypto.errors import Malformed
from retally_crypto.notes import MAX_ENTRY_BYTES

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | bool | None"

MAX_DEPTH = 8
MAX_INTEGER = 2**53 - 1

# Possessive, and with the closing quotation mark optional: an unterminated string is consumed once, never retried.
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)


def canonical_bytes(value: Json) -> bytes:
    """The canonical form of a value, which `parse_canonical` reads.

    Raises Malformed if it is too long, ValueError for a value that has none: our own mistake, never an input's.
    """
    _require_canonical(value, 1)
    raw = _serialise(value)
    _require_size(raw, MAX_ENTRY_BYTES)
    return raw


def parse_canonical(raw: bytes, limit: int = MAX_ENTRY_BYTES) -> Json:
    """The value whose canonical form `raw` is, of at most `limit` bytes: an entry's limit unless told otherwise.

    Raises Malformed, saying which rule is broken.
    """
    value, again = _read(raw, limit)
    if again != raw:
        place = next((i for i, (a, b) in enumerate(zip(again, raw, strict=False)) if a != b), min(len(again), len(raw)))
        raise Malformed(f"JSON is not in its canonical form: it differs at byte {place}")
    return value


def parse_json(raw: bytes, limit: int = MAX_ENTRY_BYTES) -> Json:
    """The value of a document that nobody hashes or signs, such as a server's answer: in any spelling of JSON, but with
    the same limits, no member twice, and no number but an integer from 0 to 2^53-1. Raises Malformed.
    """
    return _read(raw, limit)[0]


def _read(raw: bytes, limit: int) -> tuple[Json, bytes]:
    """The value and its canonical form."""
    _require_size(raw, limit)
    _require_depth(raw)
    try:
        value: Json = _DECODER.decode(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Malformed(f"JSON is not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON at character {error.pos}: {error.msg}") from None
    try:
        return value, _serialise(value)
    except UnicodeEncodeError:
        raise Malformed("JSON holds an unpaired surrogate") from None


def _serialise(value: Json) -> bytes:
    return _ENCODER.encode(value).encode("utf-8")


def _require_size(raw: bytes, limit: int) -> None:
    if len(raw) > limit:
        raise Malformed(f"JSON of {len(raw)} bytes: at most {limit} are allowed")


def _require_depth(raw: bytes) -> None:
    if raw.count(b"{") + raw.count(b"[") <= MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(raw):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        if depth > MAX_DEPTH:
            raise Malformed(f"JSON nested {depth} deep at byte {match.start()}: at most {MAX_DEPTH} are allowed")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, value in pairs:
        if not name.isascii():
            raise Malformed("JSON object has a member whose name is not ASCII")
        if name in members:
            raise Malformed(f"JSON object has the member {name[:64]!r} twice")
        members[name] = value
    return members


def _integer(digits: str) -> int:
    if len(digits) > 16 or not 0 <= int(digits) <= MAX_INTEGER or digits.startswith("-"):
        raise Malformed(f"JSON integer {digits[:20]}: it must be between 0 and 2^53-1, without sign")
    return int(digits)


def _no_float(text: str) -> NoReturn:
    raise Malformed(f"JSON number {text[:20]}: only integers are allowed")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _require_canonical(value: Json, depth: int) -> None:
    if isinstance(value, dict):
        _require_deeper(depth)
        for name, member in value.items():
            if not isinstance(name, str) or not name.isascii():
                raise ValueError("a member's name is not an ASCII string")
            _require_canonical(member, depth + 1)
    elif isinstance(value, list):
        _require_deeper(depth)
        for item in value:
            _require_canonical(item, depth + 1)
    elif isinstance(value, int) and not isinstance(value, bool):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError(f"integer {value} has no canonical form")
    elif value is not None and not isinstance(value, str | bool):
        raise ValueError(f"{type(value).__name__} has no canonical form")


def _require_deeper(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH}")
