"""Bytes as text, one way each: base64url, base64 and hex (specification page 1; base64 for C2SP notes).

Promise: every decoder here is the inverse of its encoder and of nothing else. A text is accepted only if encoding the
decoded bytes gives that same text, so two different texts never stand for the same bytes.
"""

import base64
import binascii

from retally_crypto.errors import Malformed


def b64url_encode(raw: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def b64url_decode(text: str, length: int | None = None, what: str = "base64url value") -> bytes:
    """Read unpadded base64url; with `length`, exactly that many bytes.

    Raises Malformed, naming `what`, for padding, another symbol, non-zero trailing bits or another length.
    """
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise Malformed(f"{what}: not base64url") from error
    if b64url_encode(raw) != text:
        raise Malformed(f"{what}: not canonical base64url (padding, other alphabet or non-zero trailing bits)")
    return _of_length(raw, length, what)


def b64_encode(raw: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4), as signed notes use it."""
    return base64.b64encode(raw).decode("ascii")


def b64_decode(text: str, length: int | None = None, what: str = "base64 value") -> bytes:
    """Read padded standard base64; with `length`, exactly that many bytes. Raises Malformed, naming `what`."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError) as error:
        raise Malformed(f"{what}: not base64") from error
    if b64_encode(raw) != text:
        raise Malformed(f"{what}: not canonical base64 (padding or non-zero trailing bits)")
    return _of_length(raw, length, what)


def hex_decode(text: str, length: int | None = None, what: str = "hex value") -> bytes:
    """Read lower-case hex; with `length`, exactly that many bytes. Raises Malformed, naming `what`."""
    try:
        raw = bytes.fromhex(text)
    except ValueError as error:
        raise Malformed(f"{what}: not hex") from error
    if raw.hex() != text:
        raise Malformed(f"{what}: hex must be lower case and without spaces")
    return _of_length(raw, length, what)


def _of_length(raw: bytes, length: int | None, what: str) -> bytes:
    if length is not None and len(raw) != length:
        raise Malformed(f"{what}: {len(raw)} bytes instead of {length}")
    return raw
