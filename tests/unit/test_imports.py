"""No module imports itself through others, imports for the type checker included: every module can be read before those
that use it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DISTRIBUTIONS = {
    "retally_crypto": ROOT / "crypto",
    "retally_verify": ROOT / "client" / "verifier",
    "retally_client": ROOT / "client",
    "retally_lab": ROOT / "client" / "lab",
}


def modules_of(package: str, folder: Path) -> dict[str, Path]:
    """Every module of a package by its name."""
    found = {}
    for path in (folder / package).rglob("*.py"):
        parts = path.relative_to(folder).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports_of(path: Path, modules: dict[str, Path]) -> set[str]:
    """The modules among these that a file names in an import; packages that only hold what is imported are left out."""
    named: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            named |= {name for name in below if name in modules} or {node.module}
    return named & set(modules)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that are left when those without imports are taken away again and again, and those nobody imports."""
    left = {name: set(imports) for name, imports in graph.items()}
    while True:
        used = {other for imports in left.values() for other in imports}
        ends = [name for name, imports in left.items() if not imports or name not in used]
        if not ends:
            return [[name, *sorted(imports)] for name, imports in sorted(left.items())]
        for name in ends:
            del left[name]
        for imports in left.values():
            imports.difference_update(ends)


@pytest.mark.parametrize("package", DISTRIBUTIONS)
def test_no_module_imports_in_a_circle(package: str) -> None:
    modules = modules_of(package, DISTRIBUTIONS[package])
    assert len(modules) > 1
    assert circles({name: imports_of(path, modules) for name, path in modules.items()}) == []
