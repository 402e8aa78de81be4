"""Bounded discrete logarithms in ristretto255: the last step of a count. Public data only.

Baby-step giant-step (Shanks 1971) with one table for all points. Every point is looked up by (x·y)², which the four
Edwards points of one ristretto element and the four of its negative share, and no others: the function has degree 8
on the curve. So a table of 0 … m serves -m … m, and no encoding is computed. Each hit is confirmed by multiplication,
so a wrong answer is impossible.
"""

from collections.abc import Sequence
from functools import lru_cache
from math import isqrt

from retally_reference import edwards
from retally_reference.edwards import P, Point
from retally_reference.group import RISTRETTO255

_CHUNK = 4096
_LARGEST_TABLE = 1 << 20  # some hundred megabytes; larger bounds take more giant steps instead


def _keys(points: Sequence[Point]) -> list[int]:
    return [
        (t * inverse % P) ** 2 % P
        for (_, _, _, t), inverse in zip(points, edwards.inverses([point[2] for point in points]), strict=True)
    ]


@lru_cache(maxsize=2)
def _baby_steps(m: int) -> dict[int, int]:
    steps, point = [], edwards.IDENTITY
    for _ in range(m + 1):
        steps.append(point)
        point = edwards.add(point, RISTRETTO255.generator)
    return {key: j for j, key in enumerate(_keys(steps))}


def _confirmed(point: Point, candidate: int, bound: int) -> bool:
    return 0 <= candidate <= bound and RISTRETTO255.equal(
        RISTRETTO255.multiply_fixed(candidate, RISTRETTO255.generator), point
    )


def _discrete_log(point: Point, bound: int, m: int) -> int | None:
    table, stride, current = _baby_steps(m), 2 * m + 1, point
    step = edwards.negate(RISTRETTO255.multiply_fixed(stride, RISTRETTO255.generator))
    centre, remaining = 0, (bound + m) // stride + 1
    while remaining:
        giants = []
        for _ in range(min(remaining, _CHUNK)):
            giants.append(current)
            current = edwards.add(current, step)
        for i, key in enumerate(_keys(giants)):
            j = table.get(key)
            if j is not None:
                for candidate in (centre + i * stride + j, centre + i * stride - j):
                    if _confirmed(point, candidate, bound):
                        return candidate
        centre += len(giants) * stride
        remaining -= len(giants)
    return None


def discrete_logs(points: Sequence[Point], bounds: Sequence[int]) -> list[int | None]:
    """For each point the x in 0 … bound with x·G = point, or None."""
    if any(bound < 0 for bound in bounds):
        raise ValueError("a bound is negative")
    # The table costs as much as all giant steps together: 2m² = Σ bounds.
    m = min(_LARGEST_TABLE, 1 << max(6, isqrt(sum(bounds) // 2 + 1).bit_length()))
    return [_discrete_log(point, bound, m) for point, bound in zip(points, bounds, strict=True)]
