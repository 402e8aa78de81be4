"""A trust policy is one small file with one spelling, and holds all an auditor needs to know (docs/spec 9.1)."""

from dataclasses import replace

import pytest

from retally_crypto.entries import election_id
from retally_crypto.errors import BadSignature, Malformed, Refused
from retally_crypto.notes import COSIGNATURE_V1, VerifierKey, format_vkey, verifier_key
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy, parse_policy, policy_from_manifest
from retally_lab.boards.entry_examples import MANIFEST_MEMBERS, OFFICIAL, changed, official, signed
from retally_lab.boards.manifests import ELECTION, signing_key

BOARD = signing_key(official("board")).verifier_key
WEAK = bytes([1]) + bytes(31)
"""The neutral element of edwards25519."""


def witness(name: str) -> VerifierKey:
    return verifier_key(name, signing_key(name).verifier_key.public_key, COSIGNATURE_V1)


WITNESSES = tuple(witness(f"witness.example/{i}") for i in range(1, 4))
WITHOUT = TrustPolicy(ELECTION, BOARD, (), 0)
WITH = TrustPolicy(ELECTION, BOARD, WITNESSES, 2)

TEXT_WITHOUT = f"retally-policy/v1\nelection {ELECTION.hex()}\nlog {format_vkey(BOARD)}\nquorum none\n"
TEXT_WITH = (
    f"retally-policy/v1\nelection {ELECTION.hex()}\nlog {format_vkey(BOARD)}\n"
    + "".join(f"witness w{i} {format_vkey(key)}\n" for i, key in enumerate(WITNESSES, start=1))
    + "group witnesses 2 w1 w2 w3\nquorum witnesses\n"
)


@pytest.mark.parametrize(("policy", "text"), [(WITHOUT, TEXT_WITHOUT), (WITH, TEXT_WITH)])
def test_a_policy_has_one_text(policy: TrustPolicy, text: str) -> None:
    assert format_policy(policy) == text.encode()
    assert parse_policy(text.encode()) == policy


def without_line(number: int) -> str:
    lines = TEXT_WITH.splitlines(keepends=True)
    return "".join(lines[:number] + lines[number + 1 :])


@pytest.mark.parametrize("number", range(8))
def test_no_line_can_be_left_out(number: int) -> None:
    with pytest.raises(Malformed):
        parse_policy(without_line(number).encode())


@pytest.mark.parametrize("first", range(7))
def test_the_lines_have_one_order(first: int) -> None:
    lines = TEXT_WITH.splitlines(keepends=True)
    lines[first], lines[first + 1] = lines[first + 1], lines[first]
    with pytest.raises(Malformed):
        parse_policy("".join(lines).encode())


@pytest.mark.parametrize("number", range(9))
def test_there_are_no_other_lines(number: int) -> None:
    for line in ("\n", "# a comment\n", "quorum none\n", f"log {format_vkey(BOARD)}\n", "witness w4\n"):
        lines = TEXT_WITH.splitlines(keepends=True)
        lines.insert(number, line)
        with pytest.raises(Malformed):
            parse_policy("".join(lines).encode())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("retally-policy/v1", "retally-policy/v2"),
        ("retally-policy/v1", "\ufeffretally-policy/v1"),
        (ELECTION.hex(), ELECTION.hex().upper()),
        (ELECTION.hex(), ELECTION.hex()[:-2]),
        (ELECTION.hex(), ELECTION.hex() + "00"),
        (ELECTION.hex(), "z" * 64),
        ("election ", "election  "),
        ("log ", "log\t"),
        ("witness w1 ", "witness w01 "),
        ("witness w2 ", "witness w4 "),
        ("witness w2 ", "witness two "),
        ("witnesses 2 ", "witnesses 02 "),
        ("witnesses 2 ", "witnesses ٢ "),
        ("witnesses 2 ", "witnesses two "),
        ("witnesses 2 ", "witnesses -2 "),
        ("witnesses 2 ", "witnesses 99999999999999999999 "),
        ("w1 w2 w3\n", "w1 w2\n"),
        ("w1 w2 w3\n", "w1 w3 w2\n"),
        ("w1 w2 w3\n", "w1 w2 w3 w3\n"),
        ("w1 w2 w3\n", "w1 w2 w3 \n"),
        ("group witnesses", "group others"),
        ("quorum witnesses", "quorum w1"),
        ("quorum witnesses", "quorum none"),
        ("quorum witnesses\n", "quorum witnesses"),
        ("\n", "\r\n"),
        (format_vkey(BOARD), format_vkey(BOARD)[:-1]),
        (format_vkey(BOARD), ""),
    ],
)
def test_a_line_has_one_spelling(old: str, new: str) -> None:
    assert old in TEXT_WITH
    with pytest.raises(Malformed):
        parse_policy(TEXT_WITH.replace(old, new).encode())


@pytest.mark.parametrize("quorum", [0, 1, 4, 99])
def test_a_quorum_is_more_than_half_and_at_most_all(quorum: int) -> None:
    with pytest.raises(Malformed, match=f"quorum is {quorum} of 3"):
        parse_policy(format_policy(replace(WITH, quorum=quorum)))


def test_a_policy_without_witnesses_has_no_quorum_of_some() -> None:
    with pytest.raises(Malformed):
        parse_policy(TEXT_WITHOUT.replace("none", "witnesses").encode())
    with pytest.raises(Malformed):
        parse_policy(TEXT_WITHOUT.replace("quorum none", "group witnesses 0 \nquorum witnesses").encode())


def test_the_keys_have_their_types() -> None:
    with pytest.raises(Malformed, match="board's key is of signature type 1"):
        parse_policy(format_policy(replace(WITH, board=witness("b"))))
    officials = (signing_key("w").verifier_key, *WITNESSES[1:])
    with pytest.raises(Malformed, match="witness w is of signature type 4"):
        parse_policy(format_policy(replace(WITH, witnesses=officials)))


def test_no_key_or_name_stands_twice() -> None:
    doubled = (WITNESSES[0], WITNESSES[1], WITNESSES[0])
    renamed = (*WITNESSES[:2], verifier_key("another", WITNESSES[0].public_key, COSIGNATURE_V1))
    the_board = (*WITNESSES[:2], verifier_key("another", BOARD.public_key, COSIGNATURE_V1))
    same_name = (*WITNESSES[:2], verifier_key(BOARD.name, WITNESSES[2].public_key, COSIGNATURE_V1))
    for witnesses in (doubled, renamed, the_board, same_name):
        with pytest.raises(Malformed, match="twice"):
            parse_policy(format_policy(replace(WITH, witnesses=witnesses)))


def test_keys_that_anyone_can_sign_for_are_refused() -> None:
    with pytest.raises(Malformed, match="key of w is no canonical point of prime order"):
        parse_policy(format_policy(replace(WITH, witnesses=(*WITNESSES[:2], verifier_key("w", WEAK, COSIGNATURE_V1)))))
    with pytest.raises(Malformed, match="key of b is no canonical point of prime order"):
        parse_policy(format_policy(replace(WITHOUT, board=verifier_key("b", WEAK))))


def test_an_election_id_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="31 bytes"):
        replace(WITH, election_id=ELECTION[:-1])


@pytest.mark.parametrize("raw", [b"", b"\n", b"\n" * 20, b"\xff", TEXT_WITH.encode()[:-1], b"a" * 65_537])
def test_other_bytes_are_no_policy(raw: bytes) -> None:
    with pytest.raises(Malformed, match="trust policy"):
        parse_policy(raw)


def test_a_manifest_implies_its_policy() -> None:
    raw = signed(MANIFEST_MEMBERS)
    assert policy_from_manifest(raw) == TrustPolicy(election_id(raw), BOARD, (), 0)
    keys = {"keys": [format_vkey(key) for key in WITNESSES], "quorum": 3}
    raw = signed(changed(MANIFEST_MEMBERS, ("witnesses",), keys))
    policy = policy_from_manifest(raw)
    assert policy == TrustPolicy(election_id(raw), BOARD, WITNESSES, 3)
    assert parse_policy(format_policy(policy)) == policy


def test_no_policy_is_made_of_a_manifest_that_cannot_be_used() -> None:
    with pytest.raises(Refused, match="closes at 1"):
        policy_from_manifest(signed(changed(MANIFEST_MEMBERS, ("closes",), 1)))
    with pytest.raises(BadSignature):
        policy_from_manifest(signed(MANIFEST_MEMBERS, ["board"]))
    with pytest.raises(BadSignature):
        policy_from_manifest(signed(MANIFEST_MEMBERS).replace(b"A test election", b"A lost election"))
    with pytest.raises(Malformed):
        policy_from_manifest(signed(OFFICIAL["closing"]))
    with pytest.raises(Malformed):
        policy_from_manifest(b"")
