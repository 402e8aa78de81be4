"""Checkpoints: the board's signature, and a quorum of different witnesses."""

import pytest

from retally_crypto.checkpoints import (
    Checkpoint,
    add_cosignatures,
    format_checkpoint,
    open_checkpoint,
    open_cosigned_checkpoint,
    parse_checkpoint,
    verify_checkpoint,
    verify_cosignature,
)
from retally_crypto.errors import BadSignature, Malformed, Refused, Unusable
from retally_crypto.merkle import EMPTY_ROOT, TreeHead
from retally_crypto.notes import COSIGNATURE_V1, NoteSignature, format_signature_lines, parse_note
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint, sign_note

BOARD = SigningKey.from_seed("board.example/e1", b"\x01" * 32)
WITNESSES = [SigningKey.from_seed(f"witness.example/w{i}", bytes([10 + i]) * 32, COSIGNATURE_V1) for i in range(3)]
WITNESS_KEYS = [witness.verifier_key for witness in WITNESSES]
HEAD = Checkpoint("board.example/e1", 5, b"\x07" * 32)
TEXT = format_checkpoint(HEAD)
SIGNED = sign_checkpoint(HEAD, BOARD)


def _cosigned(*witnesses: SigningKey, time: int = 1_700_000_000) -> bytes:
    return add_cosignatures(SIGNED, b"".join(cosign(TEXT, witness, time) for witness in witnesses))


def test_a_checkpoint_reads_back_and_gives_size_and_root_together() -> None:
    opened = verify_checkpoint(SIGNED, BOARD.verifier_key)
    assert opened == HEAD
    assert opened.head == TreeHead(5, b"\x07" * 32)
    assert parse_checkpoint(format_checkpoint(opened)) == opened


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("o\n5\n", "fewer than three lines"),
        ("o\n5\n{root}", "fewer than three lines"),
        ("\n5\n{root}\n", "is empty"),
        ("o\n05\n{root}\n", "leading zeros"),
        ("o\n+5\n{root}\n", "leading zeros"),
        ("o\n-1\n{root}\n", "leading zeros"),
        ("o\n\n{root}\n", "leading zeros"),
        ("o\n5 \n{root}\n", "leading zeros"),
        ("o\n\u0665\n{root}\n", "leading zeros"),
        ("o\n9223372036854775808\n{root}\n", "2\\^63-1"),
        ("o\n5\n{root}=\n", "checkpoint root"),
        ("o\n5\nAAAA\n", "3 bytes instead of 32"),
        ("o\n5\n{root}\n\n", "is empty"),
        ("o\n5\n{root}\nmore\n\n", "is empty"),
    ],
)
def test_a_checkpoint_text_has_one_form(text: str, reason: str) -> None:
    root = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="
    with pytest.raises(Malformed, match=reason):
        parse_checkpoint(text.replace("{root}", root).encode())


def test_an_empty_tree_has_one_root_only() -> None:
    assert Checkpoint("o", 0, EMPTY_ROOT).head.size == 0
    with pytest.raises(Refused, match="size 0"):
        Checkpoint("o", 0, bytes(32))


def test_extension_lines_parse_but_no_retally_board_may_have_them() -> None:
    text = TEXT + b"extra line\n"
    assert parse_checkpoint(text).extensions == ("extra line",)
    with pytest.raises(Refused, match="1 extension lines"):
        verify_checkpoint(sign_note(text, [BOARD]), BOARD.verifier_key)
    with pytest.raises(Refused, match="1 extension lines"):
        sign_checkpoint(parse_checkpoint(text), BOARD)


def test_a_checkpoint_of_another_origin_is_refused_even_under_the_board_key() -> None:
    other = format_checkpoint(Checkpoint("board.example/e2", 5, b"\x07" * 32))
    with pytest.raises(Refused, match=r"board\.example/e2"):
        verify_checkpoint(sign_note(other, [BOARD]), BOARD.verifier_key)


def test_a_checkpoint_without_the_board_signature_is_refused_whoever_cosigned() -> None:
    lines = b"".join(cosign(TEXT, witness, 5) for witness in WITNESSES)
    with pytest.raises(BadSignature, match="not signed by"):
        open_checkpoint(TEXT + b"\n" + lines, BOARD.verifier_key, WITNESS_KEYS, 2)


def test_a_quorum_counts_each_known_witness_and_keeps_its_time() -> None:
    raw = add_cosignatures(add_cosignatures(SIGNED, cosign(TEXT, WITNESSES[2], 9)), cosign(TEXT, WITNESSES[0], 8))
    opened = open_cosigned_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS, 2)
    assert opened.cosignatures == ((WITNESS_KEYS[2], 9), (WITNESS_KEYS[0], 8))
    assert opened.cosigned
    assert opened.head == HEAD.head
    assert opened.raw == raw


def test_below_the_quorum_is_said_and_refused_only_where_it_must_be() -> None:
    raw = _cosigned(WITNESSES[0])
    assert not open_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS, 2).cosigned
    with pytest.raises(Refused, match="1 witness cosignatures, the quorum is 2"):
        open_cosigned_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS, 2)


def test_one_witness_cannot_count_twice() -> None:
    raw = add_cosignatures(_cosigned(WITNESSES[0], time=8), cosign(TEXT, WITNESSES[0], 9))
    with pytest.raises(Malformed, match="two signature lines"):
        open_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS, 2)


def test_one_key_under_two_names_is_not_two_witnesses() -> None:
    twin = SigningKey.from_seed("witness.example/twin", bytes([10]) * 32, COSIGNATURE_V1).verifier_key
    with pytest.raises(Unusable, match="different public keys"):
        open_checkpoint(SIGNED, BOARD.verifier_key, [*WITNESS_KEYS, twin], 3)


def test_the_board_cannot_be_its_own_witness() -> None:
    board_as_witness = SigningKey.from_seed("board.example/e1", b"\x01" * 32, COSIGNATURE_V1)
    with pytest.raises(Unusable, match="different public keys"):
        open_checkpoint(SIGNED, BOARD.verifier_key, [*WITNESS_KEYS, board_as_witness.verifier_key], 2)
    with pytest.raises(Unusable, match="0x01 instead of 0x04"):
        open_checkpoint(SIGNED, BOARD.verifier_key, [BOARD.verifier_key], 1)
    with pytest.raises(Unusable, match="0x04 instead of 0x01"):
        open_checkpoint(SIGNED, WITNESS_KEYS[0], WITNESS_KEYS[1:], 2)


def test_an_unknown_witness_does_not_count() -> None:
    raw = _cosigned(*WITNESSES)
    opened = open_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS[:2], 2)
    assert [key for key, _ in opened.cosignatures] == WITNESS_KEYS[:2]


@pytest.mark.parametrize(("witnesses", "quorum"), [(3, 0), (3, 4), (3, -1), (0, 1)])
def test_a_quorum_that_no_witnesses_could_make_or_that_none_is_needed_for_is_unusable(
    witnesses: int, quorum: int
) -> None:
    with pytest.raises(Unusable, match="a quorum of"):
        open_checkpoint(SIGNED, BOARD.verifier_key, WITNESS_KEYS[:witnesses], quorum)


def test_a_wrong_cosignature_of_a_known_witness_spoils_the_checkpoint() -> None:
    elsewhere = format_checkpoint(Checkpoint("board.example/e1", 6, b"\x07" * 32))
    raw = add_cosignatures(_cosigned(WITNESSES[0], WITNESSES[1]), cosign(elsewhere, WITNESSES[2], 9))
    with pytest.raises(BadSignature, match=r"witness\.example/w2"):
        open_checkpoint(raw, BOARD.verifier_key, WITNESS_KEYS, 2)


def test_the_time_of_a_cosignature_is_signed() -> None:
    signature = bytearray(parse_note(_cosigned(WITNESSES[0], time=1000)).signatures[1].signature)
    assert verify_cosignature(WITNESS_KEYS[0], bytes(signature), TEXT) == 1000
    signature[7] ^= 1
    with pytest.raises(BadSignature):
        verify_cosignature(WITNESS_KEYS[0], bytes(signature), TEXT)


def test_a_cosignature_time_above_the_limit_or_of_another_length_is_refused() -> None:
    with pytest.raises(BadSignature, match="not in 1"):
        verify_cosignature(WITNESS_KEYS[0], b"\x80" + bytes(71), TEXT)
    with pytest.raises(BadSignature, match="64 bytes instead of 72"):
        verify_cosignature(WITNESS_KEYS[0], bytes(64), TEXT)


def test_a_plain_signature_is_no_cosignature_and_the_reverse() -> None:
    key = WITNESS_KEYS[0]
    plain = format_signature_lines([NoteSignature(key.name, key.key_id, bytes(8) + WITNESSES[0].sign(TEXT))])
    with pytest.raises(BadSignature):
        open_checkpoint(add_cosignatures(SIGNED, plain), BOARD.verifier_key, WITNESS_KEYS, 2)
    with pytest.raises(Unusable, match="0x01 instead of 0x04"):
        cosign(TEXT, BOARD, 5)


def test_a_witness_cosigns_nothing_but_a_checkpoint_and_never_without_a_time() -> None:
    with pytest.raises(Malformed):
        cosign(b"attack at dawn\n", WITNESSES[0], 5)
    for time in (0, -1, 2**63):
        with pytest.raises(Unusable, match="cosignature time"):
            cosign(TEXT, WITNESSES[0], time)


def test_a_witness_answer_that_is_not_signature_lines_is_not_added() -> None:
    for answer in (b"", b"no\n", b"\xff\n", cosign(TEXT, WITNESSES[0], 5)[:-1]):
        with pytest.raises(Malformed):
            add_cosignatures(SIGNED, answer)
