"""Three implementations that share no code accept the same bytes, and read the same from them."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from tests.fuzz import seeds
from tests.fuzz.agreement import READERS, REFUSED, TEXTS, ask_browser, outcome
from tests.fuzz.mutations import mutate
from tests.web_verifier import WEB, build, node

SLOW = {"narg": 60, "opening": 40, "checkpoint": 150, "policy": 200, "evidence": 250, "ed25519_key": 150, "points": 100}
"""Mutants of formats whose reading costs cryptography."""
MUTANTS = 400
SEED = 20270918


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _inputs(name: str) -> list[bytes]:
    examples = seeds.examples_of("entry" if name == "manifest" else name)
    draw = random.Random(f"{SEED} {name}")
    mutants = [mutate(draw.choice(examples), draw, examples) for _ in range(SLOW.get(name, MUTANTS))]
    return [raw for raw in [*examples, *mutants] if name not in TEXTS or _is_utf8(raw)]


@pytest.fixture(scope="module")
def browser() -> dict[str, list[tuple[bytes, Any]]]:
    program = node()
    built = WEB / "dist-node" / "readers" / "readers.js"
    build(program, "readers", built)
    inputs = {name: _inputs(name) for name in READERS}
    asked = [(name, raw) for name, several in inputs.items() for raw in several]
    answers = ask_browser(program, built, asked)
    found: dict[str, list[tuple[bytes, Any]]] = {name: [] for name in READERS}
    for (name, raw), answer in zip(asked, answers, strict=True):
        found[name].append((raw, answer))
    return found


@pytest.mark.parametrize("name", READERS)
def test_every_reader_accepts_the_same_bytes_and_reads_the_same(
    name: str, browser: dict[str, list[tuple[bytes, Any]]]
) -> None:
    seen: Counter[bool] = Counter()
    for raw, browsers in browser[name]:
        values = [outcome(read, raw) for read in READERS[name]]
        for value in values:
            assert value == browsers, (raw, values, browsers)
        seen[browsers == REFUSED] += 1
    assert seen[False], "nothing was accepted, so nothing was compared"
