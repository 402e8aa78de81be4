"""Encodings: one text per byte string, in both directions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retally_crypto.encoding import (
    b64_decode,
    b64_encode,
    b64url_decode,
    b64url_encode,
    hex_decode,
)
from retally_crypto.errors import Malformed


@given(st.binary(max_size=80))
def test_every_encoding_reads_back_to_the_same_bytes(raw: bytes) -> None:
    assert b64url_decode(b64url_encode(raw), len(raw)) == raw
    assert b64_decode(b64_encode(raw), len(raw)) == raw
    assert hex_decode(raw.hex(), len(raw)) == raw


@given(st.text(alphabet="AQgw-_+/=9 \n", max_size=12))
def test_what_decodes_is_the_text_its_bytes_encode_to(text: str) -> None:
    for decode, encode in ((b64url_decode, b64url_encode), (b64_decode, b64_encode)):
        try:
            raw = decode(text)
        except Malformed:
            continue
        assert encode(raw) == text


def test_base64url_uses_the_url_alphabet_without_padding() -> None:
    assert b64url_encode(b"\xfb\xff") == "-_8"
    assert b64_encode(b"\xfb\xff") == "+/8="


@pytest.mark.parametrize(
    "text",
    ["-_8=", "+/8", "-_9", "A", "AAAAA", "AA\n", " AA", "AA AA", "A\u00c4", "AA==", "A-\u2212A", "AA\x00"],
    ids=ascii,
)
def test_base64url_refuses_any_second_way_to_write_a_value(text: str) -> None:
    with pytest.raises(Malformed, match="manifest: not "):
        b64url_decode(text, what="manifest")


@pytest.mark.parametrize(
    "text", ["-_8=", "+/8", "+/9=", "AA=", "AA==\n", "AA== ", "AAA", "A===", "AA==AA==", "\u00c4AA="], ids=ascii
)
def test_base64_refuses_any_second_way_to_write_a_value(text: str) -> None:
    with pytest.raises(Malformed, match="root: not "):
        b64_decode(text, what="root")


@pytest.mark.parametrize("text", ["AB", "a", "0x12", "1 2", "12 34", "gg", "\u0661\u0662", "12\n"])
def test_hex_is_lower_case_pairs_and_nothing_else(text: str) -> None:
    with pytest.raises(Malformed, match="election: "):
        hex_decode(text, what="election")


def test_a_wrong_length_is_named_with_both_numbers() -> None:
    for decode, text in ((b64url_decode, "AAAA"), (b64_decode, "AAAA"), (hex_decode, "000000")):
        with pytest.raises(Malformed, match="key: 3 bytes instead of 32"):
            decode(text, 32, "key")
