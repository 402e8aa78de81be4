"""What holds between the folders of this repository, beside what import-linter checks between its packages."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
QUICK = PROJECT / "tests" / "quick.txt"


@pytest.mark.parametrize("folder", ["scripts", "benchmarks", "client", "server", "crypto"])
def test_only_tests_import_tests(folder: str) -> None:
    looked_at = 0
    for path in (PROJECT / folder).rglob("*.py"):
        if "node_modules" in path.parts:
            continue
        looked_at += 1
        for node in ast.walk(ast.parse(path.read_text())):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            assert not [name for name in named if name.partition(".")[0] == "tests"], path
    assert looked_at


def quick() -> list[str]:
    return [line for line in QUICK.read_text().splitlines() if line and not line.startswith("#")]


def test_the_quick_tests_are_there_and_named_once() -> None:
    assert len(quick()) == len(set(quick()))
    assert not [name for name in quick() if not (PROJECT / name).is_file()]


def test_the_quick_tests_have_a_tampered_board_for_every_check() -> None:
    # That file holds itself to it: test_for_every_check_some_board_fails_it_alone.
    assert "tests/vectors/test_own_boards.py" in quick()
