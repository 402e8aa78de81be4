"""What an auditor has to read before believing a verdict of `retally_verify.verify`: its modules, in lines.

    python -m scripts.trusted_base              one line a module, and the sum
    python -m scripts.trusted_base --json       the same as JSON

How it is measured: from `retally_verify.run`, where `verify` is, imports are followed through our own packages,
`retally_verify` and `retally_crypto`, by reading each file's syntax tree. Every import counts, also one inside a
function or for the type checker, because who reads follows it. A package's `__init__` is read where a module of it is
named, but not followed: it lists what the package offers, and imports that when it is used.

Not followed are the engines, which are behind an interface and have tests that hold them against each other
(`retally_native`, `retally_reference`), the standard library, and what others maintain (pydantic, cryptography).

Three numbers for each file: all lines, lines of code (neither blank, comment nor docstring), and functions.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import tokenize
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = {"retally_crypto": ROOT / "crypto", "retally_verify": ROOT / "client" / "verifier"}
"""Where the packages are that are followed."""
ENTRY = "retally_verify.run"


@dataclass(frozen=True)
class Module:
    """One file of the trusted base."""

    name: str
    lines: int
    code: int
    functions: int


def trusted_base(folders: Mapping[str, Path] = FOLDERS, entry: str = ENTRY) -> tuple[Module, ...]:
    """Everything that `entry` imports of these packages, itself included, by name."""
    found: dict[str, Path] = {}
    waiting = [entry]
    while waiting:
        name = waiting.pop()
        path = _file(folders, name)
        if path is None or name in found:
            continue
        found[name] = path
        if path.name != "__init__.py":
            waiting += _imports(path.read_text(), folders)
        package = name.rpartition(".")[0]
        if package:
            waiting.append(package)
    return tuple(_measured(name, path.read_text()) for name, path in sorted(found.items()))


def _file(folders: Mapping[str, Path], name: str) -> Path | None:
    folder = folders.get(name.partition(".")[0])
    if folder is None:
        return None
    place = folder.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in files if path.is_file()), None)


def _imports(source: str, folders: Mapping[str, Path]) -> list[str]:
    named: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            below = [f"{node.module}.{alias.name}" for alias in node.names]
            named += [name for name in below if _file(folders, name)] or [node.module]
    return named


def _measured(name: str, source: str) -> Module:
    functions = sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in ast.walk(ast.parse(source)))
    return Module(name, len(source.splitlines()), _code_lines(source), functions)


def _code_lines(source: str) -> int:
    lines: set[int] = set()
    quiet = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in quiet:
            lines |= set(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(source)):
        # A text that is a statement by itself is a docstring, of a module, class, function or constant.
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            lines -= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return len(lines)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="The verifier's trusted base, in lines.")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    as_json = parser.parse_args().json
    modules = trusted_base()
    total = Module("together", *(sum(getattr(one, what) for one in modules) for what in ("lines", "code", "functions")))
    if as_json:
        print(json.dumps({"modules": [asdict(one) for one in modules], "total": asdict(total)}, indent=2))
        return
    for one in (*modules, total):
        print(f"{one.name:<48} {one.lines:>6} lines {one.code:>6} of code {one.functions:>5} functions")
    print(f"{len(modules)} modules")


if __name__ == "__main__":
    main()
