"""The form of the documents: `python -m scripts.prose` names every place that breaks it, and ends with 1 if any does.

- A line of prose has at most 100 columns, in the README 120; code, tables and a word that is longer are free.
- A sentence begins on a line of its own.
- A cell of a table is a figure, a name or a phrase: no full stop at its end, and at most twelve words.
- A relative link leads to a file of the project, and to a heading in it.

The files are read as CommonMark, so that nothing is guessed about where code or a table begins. Whether a full stop
ends a sentence is guessed: one that is followed by a space and a capital letter or code, and that no abbreviation has.
"""

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROJECT = Path(__file__).resolve().parent.parent
COLUMNS = 100
README_COLUMNS = 120
CELL_WORDS = 12
NOT_OURS = {"node_modules", "target", "dist", "_build", "wheels"}

_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_TARGET = re.compile(r"(?<=\]\()[^)\n]+(?=\))")
_END = re.compile(r"[.!?][\"”)\]*_]* +(?=[\"“(\[*_]*[A-Z`])")
_ABBREVIATED = re.compile(r"\b(?:e\.g|i\.e|cf|vs|No|St|Dr|Mr|Ms)\.$")
_PUNCTUATION = re.compile(r"[^\w\- ]")


@dataclass(frozen=True)
class Fault:
    """One place that breaks a rule: line numbers begin with 1."""

    file: Path
    line: int
    says: str


def documents(project: Path) -> Iterator[Path]:
    """Every Markdown file of the project, in order; nothing that was installed or built."""
    for folder, names, files in os.walk(project):
        names[:] = sorted(name for name in names if name not in NOT_OURS and not name.startswith((".", "demo-")))
        yield from (Path(folder) / name for name in sorted(files) if name.endswith(".md"))


def parsed(text: str) -> list[Token]:
    """The blocks of a document, tables among them."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def masked(prose: str) -> str:
    """The same text with nothing in code and link targets that could be taken for a sentence; as long as before."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n`]", "x", match[0])

    return _TARGET.sub(blank, _CODE.sub(blank, prose))


def sentence_ends(line: str) -> list[int]:
    """Where in a masked line another sentence begins."""
    ends = []
    for match in _END.finditer(line):
        if not _ABBREVIATED.search(line[: match.start() + 1]):
            ends.append(match.end())
    return ends


def faults(file: Path, project: Path) -> list[Fault]:
    """What is wrong with one file, in the order of its lines."""
    text = file.read_text(encoding="utf-8")
    limit = README_COLUMNS if file == project / "README.md" else COLUMNS
    lines = text.split("\n")
    found: list[Fault] = []
    in_table = in_heading = False
    row = 0
    for token in parsed(text):
        if token.type in ("table_open", "table_close"):
            in_table = token.type == "table_open"
        elif token.type in ("heading_open", "heading_close"):
            in_heading = token.type == "heading_open"
        elif token.type == "tr_open" and token.map:
            row = token.map[0]
        elif token.type == "inline":
            first = row if in_table else (token.map or [0])[0]
            found += [Fault(file, first + 1, says) for says in wrong_links(token, file, project)]
            if in_table:
                found += [Fault(file, first + 1, says) for says in wrong_cell(token.content)]
            else:
                prose = [] if in_heading else masked(token.content).split("\n")
                found += [
                    Fault(
                        file, first + at + 1, f"a second sentence in the line: {token.content.splitlines()[at][end:]}"
                    )
                    for at, line in enumerate(prose)
                    for end in sentence_ends(line)
                ]
                found += [
                    Fault(file, at + 1, f"{len(lines[at])} columns, more than {limit}")
                    for at in range(*(token.map or [0, 0]))
                    if len(lines[at]) > limit and " " in token.content.splitlines()[at - first].strip()
                ]
    return sorted(found, key=lambda fault: fault.line)


def wrong_cell(content: str) -> Iterator[str]:
    """Whether a cell is a sentence: it should be a list's item then."""
    plain = _TARGET.sub("", masked(content)).strip().strip("*_")
    if plain.endswith(".") or len(_CODE.sub("x", plain).split()) > CELL_WORDS:
        yield f"a sentence in a table's cell: {content}"


def wrong_links(inline: Token, file: Path, project: Path) -> Iterator[str]:
    """The relative links of a block that lead nowhere."""
    for child in inline.children or []:
        address = urlsplit(str(child.attrs.get("href") or child.attrs.get("src") or ""))
        if address.scheme or address.netloc or not (address.path or address.fragment):
            continue
        target = (file.parent / unquote(address.path)).resolve() if address.path else file
        if not target.is_relative_to(project) or not target.exists():
            yield f"no such file: {address.path}"
        elif address.fragment and target.suffix == ".md" and address.fragment not in anchors(target):
            yield f"no such heading: {address.path}#{address.fragment}"


@cache
def anchors(file: Path) -> frozenset[str]:
    """What links may name behind `#`: headings, as repository hosts and the built site write them."""
    tokens = parsed(file.read_text(encoding="utf-8"))
    seen: dict[str, int] = {}
    names = []
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            plain = "".join(child.content for child in token.children or [])
            name = _PUNCTUATION.sub("", plain.strip().lower()).replace(" ", "-")
            names.append(f"{name}-{seen[name]}" if name in seen else name)
            seen[name] = seen.get(name, 0) + 1
    return frozenset(names)


def main() -> int:
    """Prints the faults of all documents, or of those that are named."""
    files = [Path(name).resolve() for name in sys.argv[1:]] or list(documents(PROJECT))
    found = [fault for file in files for fault in faults(file, PROJECT)]
    for fault in found:
        print(f"{fault.file.relative_to(PROJECT)}:{fault.line}: {fault.says}")
    print(f"{len(files)} documents, {len(found)} places to mend" if found else f"{len(files)} documents read well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
