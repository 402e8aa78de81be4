"""A file that is evidence of another kind than the command takes: which command takes it."""

from __future__ import annotations

import re

_TAKEN_BY = (
    (re.compile(rb"c2sp\.org/tlog-proof@"), "a receipt", "retally verify URL --policy FILE --receipt FILE"),
    (re.compile(rb'\s*\{.*"kind":\s*"retally-split-view"', re.DOTALL), "a split view", "retally evidence FILE"),
    (re.compile(rb'\s*\{.*"kind":\s*"retally-evidence"', re.DOTALL), "a page's evidence", "retally adjudicate FILE"),
)


def taken_by(content: bytes) -> str:
    """A sentence to add to the refusal of a file, empty where nobody can tell what it is."""
    for form, what, command in _TAKEN_BY:
        if form.match(content):
            return f". This is {what}: {command}"
    return ""
