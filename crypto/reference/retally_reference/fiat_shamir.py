"""The Fiat-Shamir transform's building blocks: duplex sponge over SHAKE128, session identifier, codecs.

Source: draft-irtf-cfrg-fiat-shamir, sections "XOF duplex sponge", "Session identifiers", "Codecs" and
"Serialization". A deserialiser takes the unread rest of a string and returns its value and what is left; it raises
ValueError for anything that its serialiser would not have written.
"""

import hashlib
from collections.abc import Sequence
from typing import Literal

RATE = 168  # bytes SHAKE128 absorbs at a time
OVERSAMPLING = 16  # extra bytes that bound the bias of a reduced challenge to 2^-128
SESSION_ID_LENGTH = 32
ByteOrder = Literal["little", "big"]


class DuplexSponge:
    """Absorbs and squeezes byte strings; every squeeze depends on all that was absorbed before it.

    Squeezes in a row continue one stream; a non-empty absorb begins a new one. Absorbing nothing changes nothing.
    """

    def __init__(self, session_id: bytes) -> None:
        if len(session_id) != SESSION_ID_LENGTH:
            raise ValueError(f"a session id has 32 bytes, not {len(session_id)}")
        self._hash = hashlib.shake_128(session_id + bytes(RATE - SESSION_ID_LENGTH))
        self._squeezed = 0

    def absorb(self, message: bytes) -> None:
        if message:
            self._hash.update(message)
            self._squeezed = 0

    def squeeze(self, length: int) -> bytes:
        stream = self._hash.digest(self._squeezed + length)
        fresh = stream[self._squeezed :]
        self._squeezed += length
        return fresh


def derive_session_id(tag: bytes) -> bytes:
    """DeriveSessionID: 32 bytes that stand for the tag."""
    sponge = DuplexSponge(b"irtf-cfrg-fiat-shamir/session-id")
    sponge.absorb(tag)
    return sponge.squeeze(SESSION_ID_LENGTH)


def width(modulus: int) -> int:
    """Ns: the smallest number of bytes that holds every integer below the modulus."""
    return ((modulus - 1).bit_length() + 7) // 8


def decode_uint(squeezed: bytes, modulus: int) -> int:
    """DecodeUint: width + 16 squeezed bytes to an integer below the modulus, little-endian for every modulus."""
    if len(squeezed) != width(modulus) + OVERSAMPLING:
        raise ValueError(f"expected {width(modulus) + OVERSAMPLING} squeezed bytes, got {len(squeezed)}")
    return int.from_bytes(squeezed, "little") % modulus


def serialize_string(content: bytes) -> bytes:
    """SerializeVarLenString: the length in 4 bytes, little-endian, then the content."""
    return len(content).to_bytes(4, "little") + content


def deserialize_string(source: bytes) -> tuple[bytes, bytes]:
    """DeserializeVarLenString: the content and the unread rest."""
    length = int.from_bytes(source[:4], "little")
    if len(source) < 4 or len(source) - 4 < length:
        raise ValueError(f"a string of {length} bytes does not fit in the {len(source)} bytes given")
    return source[4 : 4 + length], source[4 + length :]


def serialize_uint(value: int, modulus: int, order: ByteOrder = "little") -> bytes:
    """SerializeUint: fixed width. `order` is "big" only for fields whose own standard says so, as P-256 does."""
    if not 0 <= value < modulus:
        raise ValueError("integer outside 0 … modulus-1")
    return value.to_bytes(width(modulus), order)


def deserialize_uint(source: bytes, modulus: int, order: ByteOrder = "little") -> tuple[int, bytes]:
    """DeserializeUint: the integer and the unread rest."""
    size = width(modulus)
    value = int.from_bytes(source[:size], order)
    if len(source) < size or value >= modulus:
        raise ValueError(f"not a canonical integer of {size} bytes below the modulus")
    return value, source[size:]


def serialize_field(coordinates: Sequence[int], modulus: int, order: ByteOrder = "little") -> bytes:
    """SerializeField: the coordinates over the prime field, each by `serialize_uint`."""
    return b"".join(serialize_uint(coordinate, modulus, order) for coordinate in coordinates)


def deserialize_field(
    source: bytes, modulus: int, degree: int, order: ByteOrder = "little"
) -> tuple[tuple[int, ...], bytes]:
    """DeserializeField: `degree` coordinates and the unread rest."""
    coordinates = []
    for _ in range(degree):
        coordinate, source = deserialize_uint(source, modulus, order)
        coordinates.append(coordinate)
    return tuple(coordinates), source
