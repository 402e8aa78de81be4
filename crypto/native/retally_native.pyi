"""The native engine: the interface of `retally_reference.engine`, with which it agrees on every answer and refusal.

Buffers are concatenations of records: points are 32-byte canonical ristretto255 encodings, scalars 32 bytes
little-endian below the group order. A buffer of another length, and a malformed `header`, raise ValueError. Elements
and proofs given to `verify` and `verify_batch` may hold anything.

Work runs on one pool of threads per process, without the interpreter's lock. A process forked after the first call has
no such threads and would wait for them: start workers by spawning.
"""

from collections.abc import Sequence
from typing import Final

NAME: Final = "native"
VERSION: Final[str]

def invalid_points(points: bytes) -> list[int]:
    """The indices of encodings that are non-canonical or the identity."""

def invalid_scalars(scalars: bytes) -> list[int]:
    """The indices of scalars that are not below the group order; zero is a scalar."""

def add(a: bytes, b: bytes) -> bytes:
    """Element-wise a + b, n * 32 bytes each; the identity (32 zero bytes) may go in and come out."""

def subtract(a: bytes, b: bytes) -> bytes:
    """Element-wise a - b, as `add`."""

def multiply(scalars: bytes, points: bytes) -> bytes:
    """Element-wise scalar * point, n * 32 bytes each, in constant time."""

def multiply_base(scalars: bytes) -> bytes:
    """Element-wise scalar * G, in constant time."""

def multiply_fixed(base: bytes, scalars: bytes) -> bytes:
    """Element-wise scalar * base for one base of 32 bytes, in constant time; its table is kept for the next call."""

def multi_scalar_multiply(scalars: bytes, points: bytes) -> bytes:
    """The sum of scalars[i] * points[i], 32 bytes; of nothing, the identity. Variable time: public data only."""

def sum_columns(points: bytes, columns: int) -> bytes:
    """The sum of each column of a row-major matrix of points: columns * 32 bytes, the identity for no rows."""

def discrete_logs(points: bytes, bounds: Sequence[int]) -> list[int | None]:
    """For each point the x in 0..bound (inclusive) with x * G equal to it, or None. Public data only."""

def scalar_reduce(wide: bytes) -> bytes:
    """n * 64 bytes, little-endian, to n * 32 bytes of canonical scalars."""

def valid_ed25519_key(key: bytes) -> bool:
    """A canonical encoding of a point of the subgroup of prime order of edwards25519, and not the identity."""

def session_id(tag: bytes) -> bytes:
    """DeriveSessionID of draft-irtf-cfrg-fiat-shamir: 32 bytes."""

def prove(
    header: bytes, elements: bytes, tag: bytes, witness: bytes, known: Sequence[tuple[int, Sequence[tuple[int, bytes]]]]
) -> bytes:
    """A batchable proof with fresh nonces, in constant time.

    known: (element index, [(base index, scalar of 32 bytes), ...]) for elements the prover made herself. ValueError,
    and never a proof, if the instance is invalid, the witness does not satisfy it, or a representation in `known` is
    not true.
    """

def verify(header: bytes, elements: bytes, tag: bytes, proof: bytes) -> bool:
    """Whether a batchable proof holds; False for anything wrong with elements or proof."""

def verify_batch(header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int) -> list[int]:
    """The ascending indices of the proofs that `verify` would reject, of `count` proofs of one relation.

    shared: the encodings of elements 1 to s, common to all; elements: count * the others; tags: count * equal length;
    proofs: count * (32 an equation and 32 a scalar). Buffers of other lengths raise ValueError; nothing in them does.
    """

def verify_and_sum(
    header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int
) -> tuple[list[int], bytes]:
    """`verify_batch`, and for each of a member's own elements its sum over the members that are not rejected."""

def read_forms(
    bundles: Sequence[bytes],
    forms: Sequence[tuple[Sequence[bytes | int], tuple[int, int], Sequence[Sequence[int]]]],
) -> list[tuple[list[int], list[bytes]]]:
    """What entries of fixed form hold: for each form (places of its entries over all bundles, buffers).

    A form is (pieces, omitted, buffers). Pieces are texts, and numbers: canonical base64url without padding of so many
    bytes. Each buffer lists what is written to it for every entry: values by number from 0, -1 for SHA-256 of the entry
    without the pieces omitted[0] to omitted[1] - 1. An entry that has none of the forms, byte for byte, is left alone;
    of several the first takes it. ValueError for a bundle that ends inside an entry.
    """

def sort_records(records: bytes, width: int) -> bytes:
    """The records of so many bytes in ascending order."""

def repeated_records(records: bytes, width: int) -> bytes:
    """Every record that stands at least twice, once, in ascending order."""

def cut_records(records: bytes, width: int, first: int, length: int) -> bytes:
    """`length` bytes of every record of `width` bytes, from its byte `first` on."""

def operations() -> list[tuple[str, int]]:
    """What this process has done so far: elements decompressed, terms of multi-scalar multiplications, elements added
    to sums of columns, bytes hashed, bytes decoded or handed over."""

def hash_leaves(bundle: bytes) -> bytes:
    """n * 32 RFC 6962 leaf hashes of a tlog-tiles entry bundle; ValueError if it ends inside an entry."""

def merkle_root(hashes: bytes) -> bytes:
    """MTH of RFC 6962 over n * 32 hashes; of none, SHA-256 of the empty string."""
