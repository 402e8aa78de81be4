"""docs/spec/vectors/web_bundle.json, page 10: listings and origins are read as it is written there."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest

from retally_crypto.errors import Malformed
from retally_crypto.web_bundle import LISTING_LIMIT, MOST_FILES, bundle_digest, is_origin, parse_listing
from tests.own_vectors import vectors

CASES = vectors("web_bundle.json")


@pytest.mark.parametrize("bundle", CASES["bundles"], ids=lambda bundle: f"{len(bundle['files'])} files")
def test_a_listing_and_its_digest(bundle: dict[str, Any]) -> None:
    listing = bundle["listing"].encode()
    assert parse_listing(listing) == {
        path: sha256(text.encode()).digest() for path, text in sorted(bundle["files"].items())
    }
    assert bundle_digest(listing).hex() == bundle["digest"]


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["why"])
def test_what_is_no_listing_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        parse_listing(case["listing"].encode())


def test_the_longest_listing_is_one_byte_shorter_than_the_refused_one() -> None:
    long = next(case["listing"] for case in CASES["refused"] if case["why"] == "one byte too many")
    assert len(long) == LISTING_LIMIT + 1
    assert len(parse_listing(long.replace("  aa", "  a", 1).encode())) == 2


def test_as_many_files_as_are_allowed_are_taken() -> None:
    many = next(case["listing"] for case in CASES["refused"] if case["why"] == "one file too many")
    assert len(parse_listing(many.split("\n", 1)[1].encode())) == MOST_FILES


@pytest.mark.parametrize("text", CASES["origins"])
def test_an_origin(text: str) -> None:
    assert is_origin(text)


@pytest.mark.parametrize("text", CASES["no_origins"])
def test_no_origin(text: str) -> None:
    assert not is_origin(text)
