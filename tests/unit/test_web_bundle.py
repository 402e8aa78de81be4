"""Listings of web bundles and origins are read in one way only."""

from __future__ import annotations

from hashlib import sha256

import pytest

from retally_crypto.errors import Malformed
from retally_crypto.web_bundle import LISTING_LIMIT, MOST_FILES, bundle_digest, is_origin, parse_listing
from tests.web_bundles import FILES, listing

ZERO = "0" * 64


def test_a_listing_reads_back_to_its_files_in_order() -> None:
    files = parse_listing(listing(FILES))
    assert files == {path: sha256(content).digest() for path, content in FILES.items()}
    assert list(files) == sorted(FILES)


def test_the_digest_covers_every_byte_of_the_listing() -> None:
    raw = listing(FILES)
    assert bundle_digest(raw) == sha256(raw).digest()


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "\n",
        f"{ZERO}  index.html",
        f"{ZERO}  index.html\n\n",
        f"{ZERO}  index.html\r\n",
        f"{ZERO} index.html\n",
        f"{ZERO}   index.html\n",
        f"{ZERO} *index.html\n",
        f"{ZERO[:-1]}  index.html\n",
        f"{'A' * 64}  index.html\n",
        f"{ZERO}  /index.html\n",
        f"{ZERO}  ../index.html\n",
        f"{ZERO}  a//index.html\n",
        f"{ZERO}  a/\n{ZERO}  index.html\n",
        f"{ZERO}  .well-known/x\n{ZERO}  index.html\n",
        f"{ZERO}  a%2e\n{ZERO}  index.html\n",
        f"{ZERO}  bundle.sha256\n{ZERO}  index.html\n",
        f"{ZERO}  index.html\n{ZERO}  index.html\n",
        f"{ZERO}  index.html\n{ZERO}  a.js\n",
        f"{ZERO}  a.js\n",
        f"{ZERO}  índex.html\n",
        "".join(f"{ZERO}  f{number:04}\n" for number in range(MOST_FILES)) + f"{ZERO}  index.html\n",
        f"{ZERO}  a{'x' * LISTING_LIMIT}\n{ZERO}  index.html\n",
    ],
)  # fmt: skip
def test_a_listing_of_any_other_form_is_refused(raw: str) -> None:
    with pytest.raises(Malformed, match=r"bundle\.sha256"):
        parse_listing(raw.encode())


def test_the_most_files_are_taken() -> None:
    raw = "".join(f"{ZERO}  f{number:04}\n" for number in range(MOST_FILES - 1)) + f"{ZERO}  index.html\n"
    assert len(parse_listing(raw.encode())) == MOST_FILES


@pytest.mark.parametrize(
    "text",
    ["https://vote.example", "https://vote.example:8443", "https://xn--80aaxgg.example", "https://192.0.2.1",
     "https://[2001:db8::1]:8443", "http://localhost", "http://localhost:8080", "http://127.0.0.1:65535",
     "http://[::1]:8080"],
)  # fmt: skip
def test_an_origin_is_what_a_browser_sends(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize(
    "text",
    ["", "null", "*", "vote.example", "https://", "https://vote.example/", "https://vote.example:443",
     "http://localhost:80", "http://vote.example", "http://localhost.evil.example", "https://VOTE.example",
     "https://vote.example:0", "https://vote.example:065", "https://vote.example:65536", "https://a@vote.example",
     "https://vote.example?x", "https://vote.example#x", "https://vote.example\n", "ftp://vote.example",
     "https://vote_example", "https://wahl.exämple", "https://*.example"],
)  # fmt: skip
def test_other_texts_are_no_origin(text: str) -> None:
    assert not is_origin(text)
