"""What people cannot see in a text: spaces of other kinds, characters without a shape, and those that turn the order
of what follows.

Two texts that look alike are one to a reader and two to a program. Names and titles are therefore read with their
unseen characters named, and compared by `looks`, which is never stored.
"""

from __future__ import annotations

import re
import unicodedata

from retally_verify.joiners import joins

_WITHOUT_SHAPE = re.compile(
    "[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
"""Unicode's default-ignorable characters that are not in its category Cf, and the empty Braille pattern."""

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp", "Zs")


def composed(text: str) -> str:
    """The text in Unicode's form C: a letter and its accent are one character, however they were typed."""
    return unicodedata.normalize("NFC", text)


def unseen(text: str) -> list[str]:
    """Every character that readers cannot see, with its place; a space and joiners between letters are none of them."""
    return [_named(text, at) for at, letter in enumerate(text) if _is_unseen(letter) and not joins(text, at)]


def visible(text: str) -> str:
    """The text without its unseen characters, to be shown."""
    return "".join(letter for letter in text if not _is_unseen(letter))


def looks(text: str) -> str:
    """What a text looks like at a glance: texts with the same value are easily taken for each other."""
    seen = "".join(" " if letter.isspace() else letter for letter in text if letter.isspace() or not _is_unseen(letter))
    folded = unicodedata.normalize("NFKC", seen).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def _is_unseen(letter: str) -> bool:
    return letter != " " and (unicodedata.category(letter) in _UNSEEN or bool(_WITHOUT_SHAPE.match(letter)))


def _named(text: str, at: int) -> str:
    code = f"U+{ord(text[at]):04X}"
    called = unicodedata.name(text[at], "")
    before = visible(text[:at])[-12:]
    where = f"after {before!r}" if before else "at its beginning"
    return f"{code} {called} {where}".replace("  ", " ")
