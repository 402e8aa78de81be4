"""What the guides show: their one manifest in YAML, and every command in them, so that tests can hold them to it."""

from __future__ import annotations

import re
from pathlib import Path

GUIDES = Path(__file__).parents[1] / "docs" / "guides"

_YAML = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
_PLACE = re.compile(r"<([a-z0-9 ]+)>")


def manifest_example() -> str:
    """The manifest file of the operator's guide, with `<names>` where keys belong."""
    found: list[str] = _YAML.findall((GUIDES / "operator.md").read_text(encoding="utf-8"))
    if len(found) != 1:
        raise AssertionError(f"the operator's guide has {len(found)} YAML examples, not one")
    return found[0]


def filled_in(keys: dict[str, str]) -> str:
    """The example with `keys` in the places of these names; every place needs one."""
    return _PLACE.sub(lambda place: keys[place.group(1)], manifest_example())


def places() -> list[str]:
    """The names of the places in the example, in order."""
    return _PLACE.findall(manifest_example())
