"""What the guides show: their one manifest in YAML, and every command in them, so that tests can hold them to it."""

from __future__ import annotations

import re
from pathlib import Path

GUIDES = Path(__file__).parents[1] / "docs" / "guides"

_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_BLOCK = re.compile(r"^ {4,}((?:retally|retally-server|python -m retally_reference) .*)$", re.MULTILINE)
_SPAN = re.compile(r"(?<!`)`(retally(?:-server)? [^`]+)`", re.DOTALL)
_PLACE = re.compile(r"<([a-z0-9 ]+)>")


def manifest_example() -> str:
    """The manifest file of the authority's guide, with `<names>` where keys belong."""
    found: list[str] = _YAML.findall((GUIDES / "authority.md").read_text(encoding="utf-8"))
    if len(found) != 1:
        raise AssertionError(f"the authority's guide has {len(found)} YAML examples, not one")
    return found[0]


def filled_in(keys: dict[str, str]) -> str:
    """The example with `keys` in the places of these names; every place needs one."""
    return _PLACE.sub(lambda place: keys[place.group(1)], manifest_example())


def places() -> list[str]:
    """The names of the places in the example, in order."""
    return _PLACE.findall(manifest_example())


def commands(guide: str) -> list[str]:
    """Every command line that a guide shows, in order: its indented ones, and whole ones within a sentence."""
    text = (GUIDES / guide).read_text(encoding="utf-8")
    spans = [" ".join(span.split()) for span in _SPAN.findall(text)]
    whole = [span for span in spans if "URL" in span or "policy" in span.split()[2:] or "-server board" in span]
    return list(dict.fromkeys(_BLOCK.findall(text) + [span for span in whole if "…" not in span]))
