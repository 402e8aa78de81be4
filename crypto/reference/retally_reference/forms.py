"""Entries of a fixed form and fixed-width records, in bulk: the reference of what the native engine does on all cores.

A form is text that is always the same with base64url of known lengths in between. An entry either is, byte for byte,
what the form writes for some values, or it is left alone for a parser to say what is wrong with it.
"""

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from hashlib import sha256

from retally_reference.merkle import bundle_entries

Piece = bytes | int
Form = tuple[Sequence[Piece], tuple[int, int], Sequence[Sequence[int]]]
"""(pieces: texts, and numbers of bytes; the pieces the digest leaves out; buffers of values, -1 being the digest)."""


def read_forms(bundles: Sequence[bytes], forms: Sequence[Form]) -> list[tuple[list[int], list[bytes]]]:
    """What entries of fixed form hold: for each form (places of its entries over all bundles, buffers).

    Of several forms the first takes an entry. ValueError for a bundle that ends inside an entry, and for a form that
    speaks of a piece or a value it does not have.
    """
    for pieces, (start, end), buffers in forms:
        values = sum(isinstance(piece, int) for piece in pieces)
        if not 0 <= start <= end <= len(pieces) or any(number >= values for outputs in buffers for number in outputs):
            raise ValueError("forms: a piece or a value that the form does not have")
    found: list[tuple[list[int], list[bytearray]]] = [([], [bytearray() for _ in form[2]]) for form in forms]
    entries = [entry for bundle in bundles for entry in bundle_entries(bundle)]
    for place, entry in enumerate(entries):
        for (pieces, omitted, outputs), (places, buffers) in zip(forms, found, strict=True):
            read = _read(entry, pieces, omitted)
            if read is not None:
                places.append(place)
                for buffer, numbers in zip(buffers, outputs, strict=True):
                    buffer += b"".join(read[number] for number in numbers)
                break
    return [(places, [bytes(buffer) for buffer in buffers]) for places, buffers in found]


def _read(entry: bytes, pieces: Sequence[Piece], omitted: tuple[int, int]) -> list[bytes] | None:
    """The values and, last, the digest; None if the entry has not this form."""
    values, position = [], 0
    starts = []
    for piece in pieces:
        starts.append(position)
        length = len(piece) if isinstance(piece, bytes) else -(-8 * piece // 6)
        stretch = entry[position : position + length]
        position += length
        if isinstance(piece, bytes):
            if stretch != piece:
                return None
        elif (value := _decode(stretch, piece)) is None:
            return None
        else:
            values.append(value)
    if position != len(entry):
        return None
    starts.append(position)
    start, end = starts[omitted[0]], starts[omitted[1]]
    return [*values, sha256(entry[:start] + entry[end:]).digest()]


def _decode(text: bytes, length: int) -> bytes | None:
    try:
        value = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(value) != length or base64.urlsafe_b64encode(value).rstrip(b"=") != text:
        return None
    return value


def sort_records(records: bytes, width: int) -> bytes:
    """The records of so many bytes in ascending order."""
    return b"".join(sorted(_records(records, width)))


def repeated_records(records: bytes, width: int) -> bytes:
    """Every record that stands at least twice, once, in ascending order."""
    return b"".join(sorted(record for record, times in Counter(_records(records, width)).items() if times > 1))


def cut_records(records: bytes, width: int, first: int, length: int) -> bytes:
    """`length` bytes of every record of `width` bytes, from its byte `first` on."""
    if first < 0 or length < 0 or first + length > width:
        raise ValueError(f"records: bytes {first} to {first} + {length} of {width}")
    return b"".join(record[first : first + length] for record in _records(records, width))


def _records(buffer: bytes, width: int) -> list[bytes]:
    if width < 1 or len(buffer) % width:
        raise ValueError(f"records: {len(buffer)} bytes are not a whole number of records of {width}")
    return [buffer[at : at + width] for at in range(0, len(buffer), width)]
