"""What an auditor has to read before believing a verdict of `retally_verify.verify`: its modules, in lines.

    python -m scripts.trusted_base              one line a module, the sum, and the three groups
    python -m scripts.trusted_base --json       the same as JSON

How it is measured: from `retally_verify.run`, where `verify` is, imports are followed through our own packages,
`retally_verify` and `retally_crypto`, by reading each file's syntax tree. Every import counts, also one inside a
function or for the type checker, because who reads follows it. A package's `__init__` is read where a module of it is
named, but not followed: it lists what the package offers, and imports that when it is used.

Not followed are the engines, which are behind an interface and have tests that hold them against each other
(`retally_native`, `retally_reference`), the standard library, and what others maintain (pydantic, cryptography).

The modules are of three groups:

    what decides            the rules of every check, the record that applies them, and chains of ballots
    what it decides on      entries, notes, the tree, sums, relations: formats, and what is computed from them
    how it is read          a board's files, range by range, and what is kept of them

The second verifier (`retally_reference`) does the work of all three again, in code of its own: its lines are counted
here too, from its command, with the group and the proofs.

Three numbers for each file: all lines, lines of code (neither blank, comment nor docstring), and functions.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDERS = {"retally_crypto": ROOT / "crypto", "retally_verify": ROOT / "client" / "verifier"}
"""Where the packages are that are followed."""
ENTRY = "retally_verify.run"
SECOND_VERIFIER = {"retally_reference": ROOT / "crypto" / "reference"}
SECOND_ENTRY = "retally_reference.__main__"

DECIDES, DECIDED_ON, READ = "what decides", "what it decides on", "how it is read"
GROUPS = (DECIDES, DECIDED_ON, READ)
_DECIDING = ("retally_crypto.rules", "retally_crypto.record", "retally_crypto.chains")
_READING = ("retally_verify", "retally_crypto.ranges")


@dataclass(frozen=True)
class Module:
    """One file of the trusted base."""

    name: str
    lines: int
    code: int
    functions: int


def group_of(name: str) -> str:
    """Which of GROUPS the module of this name is in."""
    for group, packages in ((DECIDES, _DECIDING), (READ, _READING)):
        if any(name == package or name.startswith(f"{package}.") for package in packages):
            return group
    return DECIDED_ON


def together(name: str, modules: Iterable[Module]) -> Module:
    """The sum over modules."""
    measured = tuple(modules)
    return Module(name, *(sum(getattr(one, what) for one in measured) for what in ("lines", "code", "functions")))


def groups(modules: Sequence[Module]) -> tuple[Module, ...]:
    """The sums of GROUPS, in their order."""
    return tuple(together(group, (one for one in modules if group_of(one.name) == group)) for group in GROUPS)


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
    total, parts = together("together", modules), groups(modules)
    second = together("the second verifier", trusted_base(SECOND_VERIFIER, SECOND_ENTRY))
    if as_json:
        sums = {"total": total, "groups": parts, "second_verifier": second}
        print(json.dumps({"modules": modules, **sums}, default=asdict, indent=2))
        return
    for one in (*modules, total):
        print(_line(one))
    print(f"{len(modules)} modules", end="\n\n")
    for one in (*parts, second):
        print(_line(one))


def _line(one: Module) -> str:
    return f"{one.name:<48} {one.lines:>6} lines {one.code:>6} of code {one.functions:>5} functions"


if __name__ == "__main__":
    main()
