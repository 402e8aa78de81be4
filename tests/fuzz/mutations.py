"""Changing well-formed bytes a little, so that most of a parser is reached before it refuses.

Every change is drawn from the generator given: the same seed gives the same mutant. Changes know what the formats are
made of: lines, JSON, base64, decimal numbers, texts with look-alike characters, records of 32 bytes.
"""

from __future__ import annotations

import base64
import json
import random
import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

LONGEST = 80_000
"""Bytes of a mutant: past the largest entry."""

TOKENS: tuple[bytes, ...] = (
    *(b"\n", b"\n\n", b"\r\n", b"\r", b"\x00", b"\t", b" ", b"  ", b"\x7f", b"\x1b[31m", b"\xc2\x9b31m"),
    *(b"\xc2\x85", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xf0\x80\x80\xaf"),
    *(b"\xed\xa0\x80", b"\xff", b"\x80", "\u202e".encode(), "\u200b".encode(), "\u00a0".encode()),
    *("\u3000".encode(), "\u2028".encode(), "\u00e9".encode(), "e\u0301".encode(), "\u212a".encode()),
    *("\uff10".encode(), "\u0661".encode(), "\u00b2".encode(), "\u2014 ".encode(), "\U000e0041".encode()),
    *("\U0001f600".encode(), b"\\ud800", b"\\u0000", b"\\u0061", b"\\", b'"', b"'", b"{", b"}", b"[", b"]", b","),
    *(b":", b"+", b"-", b"=", b"==", b"_", b"/", b"//", b"..", b"../", b"%2e", b"%00", b"#", b"?", b"@", b"0"),
    *(b"00", b"-0", b"-1", b"+1", b"1e2", b"1.0", b"1_0", b"0x10", b"1e999", b"NaN", b"Infinity", b"null", b"true"),
    *(b"9007199254740991", b"9007199254740992", b"9223372036854775807", b"9223372036854775808", b"9" * 40),
    *(b'"kind":', b'"__proto__":', b'"constructor":', b"witness w1 ", b"index ", b"old ", b"extra ", b".p/"),
    *(b"tile/", b"x"),
)
VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1, 1.5, 2**53, "", "x", "\u202e", "\x9b", " x", "x" * 301),
    *([], {}, [[[[[[[[[]]]]]]]]]),
)
"""What a member of JSON may become."""
_NUMBER = re.compile(rb"[0-9]+")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{6,}={0,2}")

Change = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def mutate(raw: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    """`raw` after one to four changes; `others` are well-formed examples to take pieces from."""
    for _ in range(draw.choice((1, 1, 1, 2, 2, 4))):
        raw = draw.choice(CHANGES)(raw, draw, others)[:LONGEST]
    return raw


def _span(raw: bytes, draw: random.Random) -> tuple[int, int]:
    start = draw.randint(0, len(raw))
    return start, min(len(raw), start + draw.choice((0, 1, 1, 2, 4, 16, 64)))


def _flip(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    if not raw:
        return b"\x00"
    at = draw.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << draw.randrange(8)]) + raw[at + 1 :]


def _replace(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    start, end = _span(raw, draw)
    return raw[:start] + draw.choice(TOKENS) + raw[end:]


def _insert(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    at = draw.choice((0, len(raw), draw.randint(0, len(raw))))
    return raw[:at] + draw.choice(TOKENS) + raw[at:]


def _delete(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    start, end = _span(raw, draw)
    return raw[:start] + raw[end:]


def _repeat(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    start, end = _span(raw, draw)
    return raw[:start] + raw[start:end] * draw.choice((2, 3, 9, 65, 257)) + raw[end:]


def _splice(raw: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    other = draw.choice(others)
    start, end = _span(raw, draw)
    first, last = _span(other, draw)
    return raw[:start] + (other[first:] if draw.random() < 0.5 else other[first:last]) + raw[end:]


def _lines(raw: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    lines = raw.split(b"\n")
    at = draw.randrange(len(lines))
    match draw.randrange(5):
        case 0:
            lines.pop(at)
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines.insert(at, draw.choice(draw.choice(others).split(b"\n")))
        case 3:
            other = draw.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            return raw.replace(b"\n", b"\r\n")
    return b"\n".join(lines)


def _number(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    found = list(_NUMBER.finditer(raw))
    if not found:
        return raw + b"0"
    place = draw.choice(found)
    number = int(place[0][:30])
    value = draw.choice((number + 1, max(0, number - 1), number * 256, 0, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64))
    return raw[: place.start()] + draw.choice((b"", b"", b"", b"0", b"-")) + str(value).encode() + raw[place.end() :]


def _base64(raw: bytes, draw: random.Random, others: Sequence[bytes]) -> bytes:
    found = list(_BASE64.finditer(raw))
    if not found:
        return raw
    place = draw.choice(found)
    text = place[0].rstrip(b"=")
    inner = base64.urlsafe_b64decode(text.translate(bytes.maketrans(b"+/", b"-_")) + b"A" * (-len(text) % 4))
    inner = draw.choice((_flip, _delete, _repeat, _insert))(inner, draw, others)
    again = base64.b64encode(inner) if draw.random() < 0.5 else base64.urlsafe_b64encode(inner)
    return raw[: place.start()] + (again if draw.random() < 0.3 else again.rstrip(b"=")) + raw[place.end() :]


def _record(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    at = 32 * draw.randint(0, len(raw) // 32)
    order = (2**252 + 27742317777372353535851937790883648493).to_bytes(32, "little")
    prime = (2**255 - 19).to_bytes(32, "little")
    value = draw.choice(
        (bytes(32), b"\xff" * 32, order, prime, (1).to_bytes(32, "little"), raw[:32], draw.randbytes(32))
    )
    return raw[:at] + value + raw[at + draw.choice((0, 32, 32, 32)) :]


def _unicode(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return raw
    return unicodedata.normalize(draw.choice(("NFC", "NFD", "NFKC", "NFKD")), text).encode()


def _json(raw: bytes, draw: random.Random, _others: Sequence[bytes]) -> bytes:
    line, newline, rest = raw.partition(b"\n")
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return raw
    holders = [one for one in _inside(value) if isinstance(one, dict | list) and one]
    if not holders:
        return raw
    holder: Any = draw.choice(holders)
    place = draw.choice(list(holder)) if isinstance(holder, dict) else draw.randrange(len(holder))
    match draw.randrange(5):
        case 0:
            del holder[place]
        case 1 if isinstance(holder, dict):
            holder[draw.choice(("__proto__", "kind", "\u00e9", "x", "toString"))] = holder[place]
        case 2:
            holder[place] = [holder[place]] * draw.choice((1, 2, 9, 300))
        case 3:
            holder[place] = draw.choice(list(_inside(value)))
        case _:
            holder[place] = draw.choice(VALUES)
    try:
        again = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    except ValueError:
        return raw  # a value that holds itself
    return again.encode("utf-8", "surrogatepass") + newline + rest


def _inside(value: Any, depth: int = 0) -> list[Any]:
    if depth > 20:
        return []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(one for part in inner for one in _inside(part, depth + 1))]


CHANGES: tuple[Change, ...] = (
    *(_flip, _replace, _insert, _delete, _repeat, _splice, _lines, _lines),
    *(_number, _number, _base64, _base64, _record, _unicode, _json, _json, _json),
)
