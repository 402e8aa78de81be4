"""Codes that people read, write and type: Crockford base32 with check symbols (docs/spec 1.2).

A code of d symbols of content and s check symbols: a mistyped one passes with probability 2^(-5s).
"""

import hashlib
from typing import Final

from retally_crypto.errors import Malformed

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES: Final = {
    **{symbol: value for value, symbol in enumerate(ALPHABET)},
    **{symbol.lower(): value for value, symbol in enumerate(ALPHABET)},
    **dict.fromkeys("ILil", 1),
    **dict.fromkeys("Oo", 0),
}


def encode_code(content: bytes, symbols: int, check_symbols: int, label: bytes) -> str:
    """The first 5·symbols bits of `content` and their check symbols, in groups of four joined by hyphens."""
    kept = _leading_bits(content, 5 * symbols)
    letters = _letters(kept, symbols) + _check(label, kept, check_symbols)
    return "-".join(letters[i : i + 4] for i in range(0, len(letters), 4))


def decode_code(text: str, symbols: int, check_symbols: int, label: bytes) -> bytes:
    """The content of a code as a person typed it: 5·symbols bits, filled with zeros to whole bytes.

    Lower case, I and L for 1, O for 0, spaces and hyphens anywhere are accepted. Raises Malformed for any other
    symbol, length or check; the message never repeats the code, which may be a secret.
    """
    value = 0
    count = 0
    for position, symbol in enumerate(text, start=1):
        if symbol in " -":
            continue
        if symbol not in _VALUES:
            raise Malformed(f"code: the character at position {position} cannot be part of a code")
        value = value << 5 | _VALUES[symbol]
        count += 1
        if count > symbols + check_symbols:
            break
    if count != symbols + check_symbols:
        few_or_many = "too few" if count < symbols + check_symbols else "too many"
        raise Malformed(f"code: {few_or_many} letters and digits, it has {symbols + check_symbols}")
    length = -(-5 * symbols // 8)
    kept = (value >> 5 * check_symbols << 8 * length - 5 * symbols).to_bytes(length, "big")
    typed_check = "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(check_symbols)))
    if typed_check != _check(label, kept, check_symbols):
        raise Malformed("code: the check symbols do not fit, so at least one letter or digit is wrong")
    return kept


def _leading_bits(content: bytes, count: int) -> bytes:
    length = -(-count // 8)
    if len(content) < length:
        raise ValueError(f"{len(content)} bytes hold fewer than {count} bits")
    spare = 8 * length - count
    return (int.from_bytes(content[:length], "big") >> spare << spare).to_bytes(length, "big")


def _letters(content: bytes, symbols: int) -> str:
    value = int.from_bytes(content, "big") >> 8 * len(content) - 5 * symbols
    return "".join(ALPHABET[value >> 5 * place & 31] for place in reversed(range(symbols)))


def _check(label: bytes, kept: bytes, check_symbols: int) -> str:
    return _letters(hashlib.sha256(label + kept).digest(), check_symbols)
