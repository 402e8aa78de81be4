"""Whatever bytes come, a reader returns a value that is written in one way only, or raises a documented refusal.

The bounded run of continuous integration: the corpus, and mutants drawn the same way every time. `scripts/fuzz.sh` is
the long one.
"""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retally_crypto.errors import RetallyError
from tests.fuzz import seeds
from tests.fuzz.mutations import LONGEST, TOKENS, mutate
from tests.fuzz.targets import TARGETS, check

pytest.importorskip("retally_native", reason="NOT TESTED: retally_native is missing, so the engines were not compared")

COSTLY = {
    "http_answer": 60,
    "board_address": 40,
    "points": 60,
    "narg": 60,
    "manifest_yaml": 60,
    "opening": 60,
    "spreadsheet": 60,
}
EXAMPLES = 150

NAMES = pytest.mark.parametrize("name", seeds.TARGETS)


def test_every_reader_has_examples() -> None:
    assert set(TARGETS) == set(seeds.TARGETS)
    assert all(seeds.examples_of(name) for name in TARGETS)


@NAMES
def test_the_corpus_is_read_or_refused(name: str) -> None:
    examples = seeds.examples_of(name)
    accepted = 0
    for raw in examples:
        check(TARGETS[name], raw)
        try:
            TARGETS[name].read(raw)
        except TARGETS[name].refusals:
            continue
        accepted += 1
    assert accepted, "every example is refused, so nothing behind the first line of the reader is tested"


@NAMES
def test_changed_bytes_are_read_or_refused(name: str) -> None:
    target, examples = TARGETS[name], seeds.examples_of(name)

    @settings(
        deadline=None,
        max_examples=COSTLY.get(name, EXAMPLES),
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.randoms(use_true_random=False))
    def changed(draw: random.Random) -> None:
        check(target, mutate(draw.choice(examples), draw, examples))

    changed()


@pytest.mark.timeout(120)
@NAMES
def test_the_longest_inputs_are_read_in_bounded_time(name: str) -> None:
    """Every token, and every pair of neighbours, repeated to the longest mutant; what is quadratic would not end."""
    target = TARGETS[name]
    longest = 6_000 if name in ("points", "scalars", "hash_tile", "opening") else LONGEST
    start = seeds.examples_of(name)[0][:40]
    for token in TOKENS:
        check(target, start + token * (longest // len(token)))
    for token, other in pairwise(TOKENS):
        check(target, (token + other) * (longest // (len(token) + len(other))))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["note", "receipt", "checkpoint", "checkpoint_text", "evidence", "split_view"])
@pytest.mark.parametrize(
    "piece",
    [
        b"\n\n",
        b"\n",
        "— a AAAAAA==\n".encode(),
        b"A",
        b'"',
        b"\\",
        b"[",
        b"{",
        b'{"a":',
        b'["',
        b'\\"',
        b"\xf0\x9f\x98\x80",
    ],
)
def test_a_megabyte_of_one_piece_is_read_in_bounded_time(name: str, piece: bytes) -> None:
    check(TARGETS[name], piece * (1_000_000 // len(piece)))


@pytest.mark.parametrize("depth", [9, 1000, 100_000])
@pytest.mark.parametrize("name", ["canonical_json", "split_view", "evidence", "ballot_lookup", "journal", "choices"])
def test_nesting_never_ends_the_stack(name: str, depth: int) -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        for raw in (opening * depth, opening * depth + b"0" + closing * depth):
            with pytest.raises(RetallyError):
                TARGETS[name].read(raw)
