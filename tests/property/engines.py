"""Asking both engines the same question, and what to ask them.

Whatever is asked is asked of the reference and of the native engine. Answers must be equal, and where one raises
ValueError the other must; any other exception fails the test. Importing this module skips the tests where the native
engine is not installed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from retally_reference import engine as reference_engine

native: Any = pytest.importorskip("retally_native", reason="the native engine (retally_native) is not installed")
reference: Any = reference_engine

L = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19
IDENTITY = bytes(32)

many = settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow])
few = settings(many, max_examples=50)


def le(number: int, length: int = 32) -> bytes:
    return number.to_bytes(length, "little")


def encode_scalar(number: int) -> bytes:
    return le(number % L)


def answer(function: Callable[..., Any], *arguments: Any) -> object:
    """What the function returns, or that it refused."""
    try:
        return function(*arguments)
    except ValueError:
        return "refused"


def agreed(name: str, *arguments: Any) -> Any:
    """The answer of both engines."""
    expected = answer(getattr(reference, name), *arguments)
    assert answer(getattr(native, name), *arguments) == expected, name
    return expected


@lru_cache(maxsize=1024)
def multiple(number: int) -> bytes:
    encoding: bytes = native.multiply_base(encode_scalar(number))
    return encoding


def concatenated(parts: st.SearchStrategy[bytes], minimum: int = 0, maximum: int = 5) -> st.SearchStrategy[bytes]:
    return st.lists(parts, min_size=minimum, max_size=maximum).map(b"".join)


exponents = st.one_of(st.integers(0, 9), st.integers(1, L - 1), st.integers(L - 9, L - 1))
good_points = exponents.map(multiple)
good_scalars = exponents.map(encode_scalar)
other_encodings = st.one_of(
    st.binary(min_size=32, max_size=32),
    st.just(IDENTITY),
    good_points.map(lambda point: le(P - int.from_bytes(point, "little"))),  # the negative representative
    good_points.map(lambda point: point[:31] + bytes([point[31] | 0x80])),  # a bit above the field
    st.integers(0, 18).map(lambda small: le(P + small)),
    st.integers(0, 2**252).map(lambda half: le(2 * half)),  # about every eighth is an element
)
other_scalars = st.one_of(
    st.binary(min_size=32, max_size=32), st.sampled_from([le(L), le(L - 1), le(L + 1), le(2**256 - 1), IDENTITY])
)
any_points = concatenated(st.one_of(good_points, good_points, other_encodings))
any_scalars = concatenated(st.one_of(good_scalars, good_scalars, other_scalars))
ragged = st.binary(max_size=70)


Equation = tuple[list[tuple[int, int]], list[tuple[int, int, int]]]


def serialize_header(equations: list[Equation]) -> bytes:
    header = le(len(equations), 4)
    for image, terms in equations:
        header += le(len(image), 4) + b"".join(le(e, 4) + encode_scalar(c) for e, c in image)
        header += le(len(terms), 4) + b"".join(le(s, 4) + le(e, 4) + encode_scalar(c) for s, e, c in terms)
    return header


@dataclass(frozen=True)
class Proved:
    """A statement with a witness; `logarithms` of the elements, the generator's first."""

    equations: list[Equation]
    logarithms: list[int]
    witness: list[int]

    @property
    def header(self) -> bytes:
        return serialize_header(self.equations)

    @property
    def elements(self) -> bytes:
        return b"".join(multiple(x) for x in self.logarithms[1:])

    @property
    def witness_bytes(self) -> bytes:
        return b"".join(map(encode_scalar, self.witness))

    @property
    def proof_length(self) -> int:
        return 32 * (len(self.equations) + len(self.witness))
