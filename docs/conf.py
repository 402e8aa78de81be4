"""How Sphinx builds the documentation: `make docs` (scripts/documentation.py stages the pages)."""

import re
from typing import Any

from sphinx.application import Sphinx

project = "Retally"
copyright = "the authors of Retally, Apache-2.0"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
root_doc = "index"
language = "en"

html_theme = "furo"
html_title = "Retally"
html_copy_source = False
html_show_sphinx = False
html_domain_indices = True
html_static_path = ["static"]
html_css_files = ["phone.css"]
# System fonts, no picture of anybody else's: a page asks nobody but the place that it came from.
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#1d4e89", "color-brand-content": "#1d4e89"},
    "dark_css_variables": {"color-brand-primary": "#8ab4f8", "color-brand-content": "#8ab4f8"},
}

myst_heading_anchors = 4
# Python's types in signatures are not all pages of ours; links between documents all have to lead somewhere.
nitpick_ignore_regex = [("py:.*", ".*")]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
autodoc_default_options = {"undoc-members": False}
python_use_unqualified_type_names = True

_CODE = re.compile(r"(`[^`]+`)")
_EMPHASIS = re.compile(r"(?<!\w)\*(?=\w)([^*]+)(?<=\w)\*(?!\w)")
_ITEM = re.compile(r"(?:- |\d+\. )")


def _plain(text: str) -> str:
    parts = _EMPHASIS.split(text)
    escaped = [re.sub(r"([\\*|_`])", r"\\\1", part) for part in parts]
    return "".join(f"*{part}*" if at % 2 else part for at, part in enumerate(escaped))


def _escaped(text: str) -> str:
    """Plain text with `code` and *emphasis*, as reStructuredText."""
    return "".join(f"`{part}`" if _CODE.fullmatch(part) else _plain(part) for part in _CODE.split(text))


def _paragraph(lines: list[str]) -> list[str]:
    if all(line.startswith("    ") for line in lines):
        return ["::", "", *lines, ""]
    written: list[str] = []
    for line in lines:
        item = bool(_ITEM.match(line))
        if item and written and not written[-1].startswith(("- ", "  ")):
            written.append("")
        inside = line.startswith("  ") and bool(written) and written[-1].startswith(("- ", "  ", "   "))
        written.append(("  " if inside else "") + _escaped(line.strip()))
    return [*written, ""]


def as_restructured_text(_app: Sphinx, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Our docstrings are plain text with `code` in it; autodoc expects reStructuredText."""
    written: list[str] = []
    paragraph: list[str] = []
    for line in [*lines, ""]:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            written += _paragraph(paragraph)
            paragraph = []
    lines[:] = written


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", as_restructured_text)
