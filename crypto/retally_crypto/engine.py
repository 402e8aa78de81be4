"""The engine in use: group operations, sigma proofs and bulk hashing behind one interface that knows nothing of voting.

The native engine (Rust, all cores, constant time for secrets) is taken when it is installed, the reference engine
(standard library, one core, not constant time) otherwise. `RETALLY_ENGINE=native` or `=reference` decides instead.
Both agree on every answer and every refusal (tests/property/test_engines_agree.py).

A point is a 32-byte canonical ristretto255 encoding, a scalar 32 bytes little-endian below the group's order; buffers
are concatenations of such records. `header` is a relation serialised without its elements (docs/spec 2.3).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from typing import Protocol, cast

from retally_crypto.errors import Unusable

Known = Sequence[tuple[int, Sequence[tuple[int, bytes]]]]
"""(element index, [(base index, scalar)]): elements whose representation over other elements the prover knows."""

Form = tuple[Sequence[bytes | int], tuple[int, int], Sequence[Sequence[int]]]
"""An entry of fixed form: (texts and numbers of bytes in base64url, the pieces its digest leaves out, buffers to
write)."""


class Engine(Protocol):
    """What both engines export. All raise ValueError for a buffer that is no whole number of records."""

    NAME: str
    VERSION: str

    def invalid_points(self, points: bytes) -> list[int]: ...
    def invalid_scalars(self, scalars: bytes) -> list[int]: ...
    def add(self, a: bytes, b: bytes) -> bytes: ...
    def subtract(self, a: bytes, b: bytes) -> bytes: ...
    def multiply(self, scalars: bytes, points: bytes) -> bytes: ...
    def multiply_base(self, scalars: bytes) -> bytes: ...
    def multiply_fixed(self, base: bytes, scalars: bytes) -> bytes: ...
    def multi_scalar_multiply(self, scalars: bytes, points: bytes) -> bytes: ...
    def sum_columns(self, points: bytes, columns: int) -> bytes: ...
    def discrete_logs(self, points: bytes, bounds: list[int]) -> list[int | None]: ...
    def scalar_reduce(self, wide: bytes) -> bytes: ...
    def valid_ed25519_key(self, key: bytes) -> bool: ...
    def session_id(self, tag: bytes) -> bytes: ...
    def prove(self, header: bytes, elements: bytes, tag: bytes, witness: bytes, known: Known) -> bytes: ...
    def verify(self, header: bytes, elements: bytes, tag: bytes, proof: bytes) -> bool: ...
    def verify_batch(
        self, header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int
    ) -> list[int]: ...
    def verify_and_sum(
        self, header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int
    ) -> tuple[list[int], bytes]: ...
    def read_forms(self, bundles: Sequence[bytes], forms: Sequence[Form]) -> list[tuple[list[int], list[bytes]]]: ...
    def sort_records(self, records: bytes, width: int) -> bytes: ...
    def repeated_records(self, records: bytes, width: int) -> bytes: ...
    def cut_records(self, records: bytes, width: int, first: int, length: int) -> bytes: ...
    def operations(self) -> list[tuple[str, int]]: ...
    def hash_leaves(self, bundle: bytes) -> bytes: ...
    def merkle_root(self, hashes: bytes) -> bytes: ...


def load_engine(name: str | None) -> Engine:
    """The engine called `native` or `reference`; None takes native where it is installed.

    Raises Unusable for another name, and for `native` where it is not installed.
    """
    if name not in (None, "native", "reference"):
        raise Unusable(f"RETALLY_ENGINE is {name!r}: it can be native or reference")
    if name != "reference":
        try:
            return cast(Engine, importlib.import_module("retally_native"))
        except ModuleNotFoundError:
            if name == "native":
                raise Unusable("RETALLY_ENGINE is native, and retally-native is not installed") from None
    return cast(Engine, importlib.import_module("retally_reference.engine"))


engine: Engine = load_engine(os.environ.get("RETALLY_ENGINE") or None)
