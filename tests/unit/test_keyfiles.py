"""A key file opens with its passphrase and label, and not otherwise."""

import pytest

from retally_crypto.errors import CannotDecrypt, Malformed, RetallyError, Unusable
from retally_crypto.secret.keyfiles import label_of, open_key_file, seal_key_file

SECRET = b"a guardian's share, thirty-two b"
PASSPHRASE = "correct horse"
LABEL = "guardian 2"


@pytest.fixture(scope="module")
def key_file() -> bytes:
    return seal_key_file(SECRET, PASSPHRASE, LABEL)


def test_a_key_file_opens_with_its_passphrase(key_file: bytes) -> None:
    assert open_key_file(key_file, PASSPHRASE, LABEL) == SECRET
    assert label_of(key_file) == LABEL
    assert SECRET not in key_file


def test_a_wrong_passphrase_opens_nothing_and_is_not_repeated(key_file: bytes) -> None:
    with pytest.raises(CannotDecrypt) as refusal:
        open_key_file(key_file, "wrong horse", LABEL)
    assert "horse" not in str(refusal.value)


def test_a_key_file_for_something_else_is_not_used(key_file: bytes) -> None:
    with pytest.raises(Unusable, match="guardian 2"):
        open_key_file(key_file, PASSPHRASE, "guardian 3")


def test_a_relabelled_key_file_does_not_open(key_file: bytes) -> None:
    with pytest.raises(CannotDecrypt):
        open_key_file(key_file.replace(b"guardian 2", b"guardian 3"), PASSPHRASE, "guardian 3")


@pytest.mark.parametrize("position", [-2, -20, -60])
def test_an_altered_key_file_does_not_open(key_file: bytes, position: int) -> None:
    altered = bytearray(key_file)
    altered[position] = ord("A") if altered[position] != ord("A") else ord("Q")
    with pytest.raises(RetallyError):
        open_key_file(bytes(altered), PASSPHRASE, LABEL)


def test_two_key_files_of_one_secret_share_no_salt_and_no_nonce(key_file: bytes) -> None:
    other = seal_key_file(SECRET, PASSPHRASE, LABEL)
    assert other != key_file
    assert other.split(b"\n")[1] != key_file.split(b"\n")[1]


@pytest.mark.parametrize("passphrase", ["", "\ud800"])
def test_a_passphrase_that_is_none_is_refused(passphrase: str) -> None:
    with pytest.raises(Unusable):
        seal_key_file(SECRET, passphrase, LABEL)


def test_composed_and_decomposed_letters_are_one_passphrase() -> None:
    assert open_key_file(seal_key_file(SECRET, "re\u0301tally", LABEL), "r\u00e9tally", LABEL) == SECRET


def test_a_secret_longer_than_any_entry_fits() -> None:
    secret = bytes(100_000)
    assert open_key_file(seal_key_file(secret, PASSPHRASE, LABEL), PASSPHRASE, LABEL) == secret


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        (b'"memory":65536', b'"memory":1024', "memory"),
        (b'"memory":65536', b'"memory":9000000000', "memory"),
        (b'"iterations":3', b'"iterations":1', "iterations"),
        (b'"lanes":4', b'"lanes":true', "lanes"),
        (b'"kdf":"argon2id"', b'"kdf":"scrypt"', "does not know"),
        (b'"kind":"retally-key"', b'"kind":"other"', "not a key file"),
        (b'"memory":65536,', b'"memory":65536,"more":1,', "does not know"),
        (b'"label":"guardian 2"', b'"label":7', "label"),
        (b'{"iterations"', b'{ "iterations"', "canonical"),
    ],
)
def test_a_key_file_with_other_parameters_is_refused_before_it_costs_anything(
    key_file: bytes, old: bytes, new: bytes, complaint: str
) -> None:
    assert old in key_file
    with pytest.raises(Malformed, match=complaint):
        open_key_file(key_file.replace(old, new), PASSPHRASE, LABEL)


@pytest.mark.parametrize("other", [b"", b"\n\n", b"{}\n\n", b"[]\nAA\n", b"not json\nAA\n"])
def test_what_is_no_key_file_is_refused(other: bytes) -> None:
    with pytest.raises(Malformed):
        open_key_file(other, PASSPHRASE, LABEL)
