"""The engine in use, behind two interfaces that know nothing of voting: `engine` for group operations and sigma proofs,
`records` for bytes in bulk (forms, sorting, hashing).

The edge chooses: a command or a server calls `choose_engine`, native (Rust, all cores, constant time for secrets) where
it is installed, else reference (standard library, one core, not constant time). Code that nobody chose for takes native
where it is installed. Both agree on every answer and every refusal (tests/property/test_engines_agree.py).

A point is a 32-byte canonical ristretto255 encoding, a scalar 32 bytes little-endian below the group's order; buffers
are concatenations of such records. `header` is a relation serialised without its elements (docs/spec 2.3).
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from functools import cache
from typing import Any, Protocol, cast

from retally_crypto.errors import Unusable

Known = Sequence[tuple[int, Sequence[tuple[int, bytes]]]]
"""(element index, [(base index, scalar)]): elements whose representation over other elements the prover knows."""

Form = tuple[Sequence[bytes | int], tuple[int, int], Sequence[Sequence[int]]]
"""An entry of fixed form: (texts and numbers of bytes in base64url, the pieces its digest leaves out, buffers to
write)."""


class Engine(Protocol):
    """Group operations and proofs. All raise ValueError for a buffer that is no whole number of records."""

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
    def discrete_logs(self, points: bytes, bounds: Sequence[int]) -> list[int | None]: ...
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


class Records(Protocol):
    """Bytes in bulk: rows of fixed width, entries of fixed form, leaf hashes and tree roots. Nothing secret."""

    def read_forms(self, bundles: Sequence[bytes], forms: Sequence[Form]) -> list[tuple[list[int], list[bytes]]]: ...
    def sort_records(self, records: bytes, width: int) -> bytes: ...
    def repeated_records(self, records: bytes, width: int) -> bytes: ...
    def cut_records(self, records: bytes, width: int, first: int, length: int) -> bytes: ...
    def hash_leaves(self, bundle: bytes) -> bytes: ...
    def merkle_root(self, hashes: bytes) -> bytes: ...


class _InUse:
    """Stands for the engine that was chosen, or for the default until one is."""

    chosen: Any = None

    def __getattr__(self, name: str) -> Any:
        return getattr(_InUse.chosen or _default(), name)


@cache
def _default() -> Any:
    # Never stored as the choice: a thread that asked before it would undo it afterwards.
    return load_engine(None)


engine = cast(Engine, _InUse())
records = cast(Records, _InUse())


def choose_engine(name: str | None) -> None:
    """From here on `engine` and `records` are the engine called `native` or `reference`; None takes native where it is
    installed. Raises Unusable for another name, and for `native` where it is not installed."""
    _InUse.chosen = load_engine(name)


def choose_engine_from_environment() -> None:
    """For the edge: the engine that `RETALLY_ENGINE` names, or None's. Raises Unusable."""
    choose_engine(os.environ.get("RETALLY_ENGINE") or None)


def load_engine(name: str | None) -> Any:
    """The module of the engine of that name, which is both an Engine and Records. Raises as `choose_engine`.

    A native engine that is there and does not load raises Unusable, too: nobody is given the slower engine unasked.
    """
    if name not in (None, "native", "reference"):
        raise Unusable(f"RETALLY_ENGINE is {name!r}: it can be native or reference")
    if name != "reference":
        native = _installed("retally_native", "retally-native")
        if native is not None:
            return native
        if name == "native":
            raise Unusable("RETALLY_ENGINE is native, and retally-native is not installed")
    reference = _installed("retally_reference.engine", "retally-reference")
    if reference is None:
        raise Unusable("no engine is installed: neither of retally-native and retally-reference is there")
    return reference


def _installed(module: str, distribution: str) -> Any:
    """The module, None if the distribution is not installed. Raises Unusable if it is there and does not load."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and module.startswith(error.name or "?"):
            return None
        raise Unusable(f"{distribution} is installed and cannot be loaded: {error}") from None
