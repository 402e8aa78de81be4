"""Links that bring one registrar's code to the voting page, for registrars who choose to hand out links (spec 1.2).

A browser keeps the address that was opened in its history, fragment included, and no page can take it out again. So a
link carries the code of one registrar of several, which alone is worth nothing; the others are typed or pasted. Where a
single registrar gives the only code, there are no links with codes.
"""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from retally_crypto.errors import Refused, Unusable


def voting_link(page: str, board: str, election_id: bytes, code: str, registrar: int, registrars: int) -> str:
    """The address of the voting page at `page` with the code of this registrar (counted from 1) of so many.

    Raises Refused where this code is the only one, Unusable if `page` is no address of a page.
    """
    if registrars < 2:
        raise Refused(
            "this election has one registrar, whose code alone casts the ballot: a link with it would stay in the "
            "history of the voter's browser; hand out the codes"
        )
    parts = urlsplit(page)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Unusable(f"{page} is not the address of the voting page: https://host/ without query or fragment")
    named = {"board": board, "election": election_id.hex(), "code": code, "registrar": registrar}
    return f"{page}#/vote?{urlencode(named, safe='/:')}"
