"""Vectors for page 10: listings of web bundles with their digests, listings to refuse, and what an origin is."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from retally_crypto.web_bundle import LISTING_LIMIT, MOST_FILES

FILES = {
    "assets/index-Ab3_defg.js": "'use strict';\n",
    "index.html": "<!doctype html>\n",
    "verify.html": "<!doctype>\n",
}
ZERO = "0" * 64
PAGE = f"{ZERO}  index.html\n"


def web_bundle() -> dict[str, Any]:
    """Listings, right and wrong, and texts that are origins or not."""
    return {
        "about": "the web bundle (docs/spec page 10): `files` with their content as text, their `listing`, its digest",
        "bundles": [_bundle({"index.html": "<!doctype html>\n"}), _bundle(FILES)],
        "refused": [{"why": why, "listing": listing} for why, listing in _refused()],
        "origins": [
            "https://vote.example",
            "https://vote.example:8443",
            "https://xn--80aaxgg.example",
            "https://192.0.2.1",
            "https://[2001:db8::1]:8443",
            "http://localhost",
            "http://localhost:8080",
            "http://127.0.0.1:65535",
            "http://[::1]:8080",
        ],
        "no_origins": [
            "null",
            "*",
            "vote.example",
            "https://",
            "https://vote.example/",
            "https://vote.example:443",
            "http://localhost:80",
            "http://vote.example",
            "http://localhost.vote.example",
            "https://VOTE.example",
            "https://vote.example:0",
            "https://vote.example:065",
            "https://vote.example:65536",
            "https://somebody@vote.example",
            "https://vote.example?page",
            "https://vote.example#page",
            "https://vote_example",
            "https://*.example",
            f"https://{'a' * 254}",
            "ftp://vote.example",
        ],
    }


def _bundle(files: dict[str, str]) -> dict[str, Any]:
    listing = "".join(f"{sha256(files[path].encode()).hexdigest()}  {path}\n" for path in sorted(files))
    return {"files": files, "listing": listing, "digest": sha256(listing.encode()).digest()}


def _refused() -> list[tuple[str, str]]:
    return [
        ("nothing", ""),
        ("an empty line", "\n"),
        ("no newline at its end", PAGE[:-1]),
        ("an empty line at its end", PAGE + "\n"),
        ("a carriage return", PAGE[:-1] + "\r\n"),
        ("one space", PAGE.replace("  ", " ")),
        ("a star", PAGE.replace("  ", " *")),
        ("a short digest", PAGE[1:]),
        ("upper case", PAGE.replace("0", "A")),
        ("a path from the root", f"{ZERO}  /a\n{PAGE}"),
        ("a path that leads out", f"{ZERO}  ../a\n{PAGE}"),
        ("an empty segment", f"{ZERO}  a//b\n{PAGE}"),
        ("a folder", f"{ZERO}  a/\n{PAGE}"),
        ("a hidden file", f"{ZERO}  .a\n{PAGE}"),
        ("a character outside the rule", f"{ZERO}  a%2e\n{PAGE}"),
        ("another alphabet", f"{ZERO}  \u0430.js\n{PAGE}"),
        ("itself", f"{ZERO}  bundle.sha256\n{PAGE}"),
        ("a path twice", PAGE + PAGE),
        ("paths out of order", f"{PAGE}{ZERO}  a.js\n"),
        ("no page", f"{ZERO}  a.js\n"),
        ("one file too many", "".join(f"{ZERO}  f{number:03}\n" for number in range(MOST_FILES)) + PAGE),
        ("one byte too many", f"{ZERO}  {'a' * (LISTING_LIMIT + 1 - len(PAGE) - 67)}\n{PAGE}"),
    ]
