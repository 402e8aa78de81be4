"""What a stranger wrote is shown so that it steers no terminal and stays readable."""

from __future__ import annotations

import pytest

from retally_verify.console import plain


@pytest.mark.parametrize("name", ["\u0639\u0644\u06cc\u200c\u0631\u0636\u0627", "\u0915\u094d\u200d\u0937"])
def test_joiners_between_two_letters_are_shown(name: str) -> None:
    assert plain(f"line 3: {name}\nline 4") == f"line 3: {name}\nline 4"


@pytest.mark.parametrize("joiner", ["\u200c", "\u200d"])
def test_joiners_elsewhere_are_not(joiner: str) -> None:
    written = f"{joiner}a {joiner}b{joiner} c{joiner}{joiner}d 1{joiner}2{joiner}"
    assert plain(written) == written.replace(joiner, "\ufffd")


@pytest.mark.parametrize("steering", ["\x1b", "\r", "\u202e", "\u2066", "\u200b", "\u200f"])
def test_what_steers_a_terminal_is_not_between_letters_either(steering: str) -> None:
    assert plain(f"a{steering}b") == "a\ufffdb"
