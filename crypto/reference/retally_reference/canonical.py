"""Page 1: canonical JSON, base64url, texts and identifiers. One value, one byte string; anything else is refused."""

import base64
import binascii
import json
import re
from typing import Any, NoReturn

LONGEST_ENTRY = 65_535
DEEPEST = 8
LARGEST_INTEGER = 2**53 - 1
LONGEST_TEXT = 300
IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FORBIDDEN_IN_TEXT = {*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}
FORBIDDEN_IN_TEXT |= {0x200E, 0x200F, 0xFEFF, *range(0xD800, 0xE000)}


class Refusal(Exception):
    """Bytes that are not what they should be; the message says what is wrong."""


def refuse_unless(condition: bool, reason: str) -> None:
    """Raise Refusal unless the condition holds."""
    if not condition:
        raise Refusal(reason)


def parse_canonical(raw: bytes) -> Any:
    """The value that `raw` is the canonical JSON of (1.1); Refusal if it is none's."""
    refuse_unless(len(raw) <= LONGEST_ENTRY, f"JSON of {len(raw)} bytes")
    refuse_unless(_depth(raw) <= DEEPEST, f"JSON nested deeper than {DEEPEST}")
    try:
        value = json.loads(
            raw.decode(), object_pairs_hook=_members, parse_int=_integer, parse_float=_refuse, parse_constant=_refuse
        )
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
    except (ValueError, RecursionError):  # Unicode errors, of reading and of writing, are ValueErrors too
        raise Refusal("not JSON in UTF-8") from None
    refuse_unless(again == raw, "JSON that is not in its canonical form")
    return value


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    in_string = escaped = False
    for byte in raw:
        if in_string:
            in_string = escaped or byte != 0x22
            escaped = byte == 0x5C and not escaped
        elif byte == 0x22:
            in_string = True
        elif byte in b"[{":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"]}":
            depth -= 1
    return deepest


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    refuse_unless(len(members) == len(pairs), "a JSON object that has a member twice")
    refuse_unless(all(name.isascii() for name in members), "a JSON member whose name is not ASCII")
    return members


def _integer(digits: str) -> int:
    refuse_unless(
        digits.isdigit() and len(digits) <= 16 and int(digits) <= LARGEST_INTEGER, "a JSON integer outside 0 … 2^53-1"
    )
    return int(digits)


def _refuse(text: str) -> NoReturn:
    raise Refusal(f"a JSON number that is no integer: {text[:20]}")


def base64url(text: Any, length: int | None = None) -> bytes:
    """The bytes of an unpadded base64url string with zero trailing bits, of that length if one is given."""
    refuse_unless(isinstance(text, str) and text.isascii(), "a binary member that is no base64url string")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise Refusal("base64url that does not decode") from None
    refuse_unless(base64.urlsafe_b64encode(raw).rstrip(b"=") == text.encode(), "base64url that is not canonical")
    refuse_unless(length is None or len(raw) == length, f"a binary member of {len(raw)} bytes instead of {length}")
    return raw


def base64_standard(text: str) -> bytes:
    """The bytes of canonical, padded base64."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("base64 that does not decode") from None
    refuse_unless(base64.b64encode(raw).decode() == text, "base64 that is not canonical")
    return raw


def is_text(value: Any) -> bool:
    """Whether a value may stand where people read it."""
    if not isinstance(value, str) or not 1 <= len(value) <= LONGEST_TEXT or value != value.strip(" "):
        return False
    return not any(ord(character) in FORBIDDEN_IN_TEXT for character in value)


def is_identifier(value: Any) -> bool:
    """Whether a value is an identifier."""
    return isinstance(value, str) and IDENTIFIER.fullmatch(value) is not None
