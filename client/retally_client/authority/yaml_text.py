"""A YAML file that a person has written, as a tree in which every value is still what was written, with its line.

YAML gives meanings to what people mean as words: Yes and No are truth values, 2027-09-18 is a date, 10:30 is 630, and
an ampersand names a value. Here nothing has a meaning: whoever reads the tree knows whether a text, a number or a time
stands at a place. What cannot be read is told with its line and what to do, in no parser's words.
"""

from __future__ import annotations

import yaml

from retally_crypto.errors import Malformed

_PLAIN_TAGS = {
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "map", "seq", "merge", "value")
}
_QUOTE = 'put the whole text in quotation marks, like "Yes: we can"'


class _Loader(yaml.SafeLoader):
    """Reads one document without names for values (&, *) and without types (!)."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            sign = "*" if isinstance(event, yaml.AliasEvent) else "&"
            raise yaml.composer.ComposerError(None, None, f"found sign {sign}", event.start_mark)
        node: yaml.Node | None = super().compose_node(parent, index)
        if node is not None and node.tag not in _PLAIN_TAGS:
            raise yaml.composer.ComposerError(None, None, "found sign !", node.start_mark)
        return node


def read_yaml(text: str) -> yaml.Node | None:
    """The tree of a document, None for an empty one. Raises Malformed, naming the line and what to do."""
    try:
        # A safe loader, of which only the tree is used.
        node: yaml.Node | None = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Malformed(_said(text, 0 if mark is None else mark.line, _in_words(error))) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position)
        raise Malformed(_said(text, line, f"U+{error.character:04X} cannot stand in this file: take it out")) from None
    except RecursionError:
        raise Malformed("the manifest file cannot be read: too many brackets within each other") from None
    except (yaml.YAMLError, ValueError):
        raise Malformed("the manifest file cannot be read: compare it with the example in the guide") from None
    return node


def line_of(node: yaml.Node) -> int:
    """The line of a value, from 1."""
    return int(node.start_mark.line) + 1


def is_nothing(node: yaml.Node) -> bool:
    """Whether nothing is written at a place, or the word for it (null, ~)."""
    return isinstance(node, yaml.ScalarNode) and node.style is None and node.value in ("", "~", "null", "Null", "NULL")


def _said(text: str, line: int, words: str) -> str:
    lines = text.splitlines()
    while line >= len(lines) and line > 0:
        line -= 1
    shown = lines[line].strip()[:80] if lines else ""
    return f"the manifest file cannot be read, line {line + 1} ({shown}): {words}"


def _in_words(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem)
    for part, words in _WORDS:
        if part in problem:
            return words
    if "cannot start any token" in problem or "found sign" in problem:
        return f"a text cannot begin with this sign (& * ! @ ` % and a few others): {_QUOTE}"
    if "expected ',' or" in problem:
        return (
            "a list or a group in brackets is not closed, a comma is missing, or a text in it holds one of "
            f"? : , [ ] {{ }}: {_QUOTE}"
        )
    return f"compare this line and the one before with the example in the guide; if it holds a text: {_QUOTE}"


_WORDS = (
    ("character '\\t'", "a tab stands at the beginning: use spaces"),
    ("mapping values are not allowed", f"there is a second colon, or the line begins too far right: {_QUOTE}"),
    ("sequence entries are not allowed", f"a hyphen stands here that begins no line: {_QUOTE}"),
    ("unexpected end of stream", "a quotation mark is opened and never closed"),
    ("unknown escape", "a backslash has a meaning within these quotation marks: use ' instead of \""),
    ("could not find expected ':'", "a colon and a value are missing here or in the line before"),
    (
        "<block end>",
        "this line does not begin at the place of the lines it belongs to, or something follows a quoted text",
    ),
    ("another document", "--- begins a second document: take it out"),
    ("node content", "a bracket is opened and never closed"),
    ("chomping", f"a text cannot begin with | or >: {_QUOTE}"),
)
