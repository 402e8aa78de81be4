"""Tracking codes survive people, and nothing else (docs/spec 1.2)."""

import hashlib

import pytest

from retally_crypto.codes import ALPHABET
from retally_crypto.errors import Malformed
from retally_crypto.tracking import parse_tracking_code, tracking_code

BODY_HASH = hashlib.sha256(b"a ballot's body").digest()


def as_bits(content: bytes, count: int) -> str:
    return "".join(f"{byte:08b}" for byte in content)[:count]


def test_a_code_is_its_content_and_its_check_written_bit_by_bit() -> None:
    content = as_bits(BODY_HASH, 150)
    kept = bytes(int((content + "00")[i : i + 8], 2) for i in range(0, 152, 8))
    check = as_bits(hashlib.sha256(b"RETALLY-V01-tracking" + kept).digest(), 10)
    written = content + check
    symbols = "".join(ALPHABET[int(written[i : i + 5], 2)] for i in range(0, 160, 5))
    assert tracking_code(BODY_HASH) == "-".join(symbols[i : i + 4] for i in range(0, 32, 4))


def test_a_code_finds_its_ballot_and_no_other() -> None:
    found = parse_tracking_code(tracking_code(BODY_HASH))
    assert found.matches(BODY_HASH)
    for bit in range(150):
        other = bytearray(BODY_HASH)
        other[bit // 8] ^= 0x80 >> bit % 8
        assert not found.matches(bytes(other))


def test_a_code_says_nothing_of_the_bits_after_the_first_150() -> None:
    found = parse_tracking_code(tracking_code(BODY_HASH))
    for bit in range(150, 256):
        other = bytearray(BODY_HASH)
        other[bit // 8] ^= 0x80 >> bit % 8
        assert found.matches(bytes(other))


def test_reading_forgives_what_people_do_to_a_code() -> None:
    code = tracking_code(bytes(32))
    assert code.startswith("0000-0000-")
    typed = " " + code.replace("-", " ").replace("0", "o").replace("1", "l").lower() + "-"
    assert parse_tracking_code(typed) == parse_tracking_code(code)
    assert parse_tracking_code(code.replace("0", "O").replace("1", "I")) == parse_tracking_code(code)


def test_most_mistyped_symbols_are_noticed() -> None:
    code = tracking_code(BODY_HASH).replace("-", "")
    noticed = 0
    mistyped = [code[:i] + symbol + code[i + 1 :] for i in range(len(code)) for symbol in ALPHABET if symbol != code[i]]
    for typed in mistyped:
        try:
            parse_tracking_code(typed)
        except Malformed:
            noticed += 1
    # One in 1024 gets past two check symbols; 992 tries, and not the 62 in the check itself.
    assert noticed >= len(mistyped) - 8


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda code: code[:-1], "too few"),
        (lambda code: code + "0", "too many"),
        (lambda code: "", "too few"),
        (lambda code: "U" + code[1:], "position 1"),
        (lambda code: code[:4] + "\n" + code[5:], "position 5"),
        (lambda code: "\u0131" + code[1:], "position 1"),
        (lambda code: "\u017f" + code[1:], "position 1"),
        (lambda code: code[:4] + "_" + code[5:], "position 5"),
    ],
)
def test_what_is_no_code_is_refused(change, complaint: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Malformed, match=complaint):
        parse_tracking_code(change(tracking_code(BODY_HASH)))
