"""The two joiners of Unicode, which nobody sees and some scripts need."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Zero-width non-joiner and joiner: Persian and several scripts of India need them, between two letters only."""


def joins(text: str, at: int) -> bool:
    """Whether there is a joiner between two letters at this place; a letter's marks belong to it."""
    around = (text[at - 1 : at], text[at + 1 : at + 2])
    return text[at] in JOINERS and all(letter and unicodedata.category(letter)[0] in "LM" for letter in around)
