"""Texts and identifiers hold what people can read, and nothing that hides or reorders it (docs/spec 1.1)."""

from typing import Any

import pytest

from retally_crypto.entries import SignedEntry, parse_entry
from retally_crypto.entry_forms import check_encodings
from retally_crypto.errors import Malformed
from retally_lab.boards.entry_examples import MANIFEST, OFFICIAL, Members, changed, signed
from retally_lab.boards.manifests import ELECTION


def form(members: Members) -> SignedEntry:
    """The entry of these members, past both halves of V09."""
    entry = parse_entry(signed(members), ELECTION)
    assert isinstance(entry, SignedEntry)
    check_encodings(entry, MANIFEST)
    return entry


@pytest.mark.parametrize(
    "letter",
    [
        *(
            chr(c)
            for c in (
                *range(0x20),
                *range(0x7F, 0xA0),
                0x200E,
                0x200F,
                *range(0x2028, 0x202F),
                *range(0x2066, 0x206A),
                0xFEFF,
            )
        )
    ],
    ids=lambda letter: f"U+{ord(letter):04X}",
)
def test_a_text_holds_nothing_that_hides_or_reorders_what_people_read(letter: str) -> None:
    with pytest.raises(Malformed, match=f"reason: .*U\\+{ord(letter):04X}"):
        form(changed(OFFICIAL["roll-revocation"], ("reason",), f"a{letter}b"))


@pytest.mark.parametrize("text", [" a", "a ", " "])
def test_a_text_neither_begins_nor_ends_with_a_space(text: str) -> None:
    with pytest.raises(Malformed, match="begin or end"):
        form(changed(OFFICIAL["roll-revocation"], ("reason",), text))


@pytest.mark.parametrize("text", ["a", "Œuvre élue: 選挙 \U0001f5f3", "a  b", "\U0001f5f3" * 300, "\u202f\u00a0\u2065"])
def test_every_other_text_of_300_code_points_is_a_text(text: str) -> None:
    content: Any = form(changed(OFFICIAL["roll-revocation"], ("reason",), text)).content
    assert content.reason == text


@pytest.mark.parametrize("name", ["", "A", "-a", ".a", "_a", "a b", "a\n", "é", "a/b", "a" * 65])
def test_an_identifier_is_what_1_1_says(name: str) -> None:
    with pytest.raises(Malformed, match=r"stations\.0\.id"):
        form(changed(OFFICIAL["paper-count"], ("stations", 0, "id"), name))


@pytest.mark.parametrize("name", ["a", "0", "a-b_c.d", "a" * 64])
def test_such_an_identifier_is_accepted(name: str) -> None:
    assert form(changed(OFFICIAL["paper-count"], ("stations", 0, "id"), name)).kind == "paper-count"
