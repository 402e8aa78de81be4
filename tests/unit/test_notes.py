"""Signed notes and officials' entries: who signed which text, and nothing but."""

import pytest

from retally_crypto.errors import BadSignature, Malformed, Unusable
from retally_crypto.notes import (
    COSIGNATURE_V1,
    MAX_SIGNATURES,
    NoteSignature,
    VerifierKey,
    format_signature_lines,
    format_vkey,
    open_signed_entry,
    parse_note,
    parse_vkey,
    verifier_key,
    verify_note,
)
from retally_crypto.secret.sign import SigningKey, sign_note

ALICE = SigningKey.from_seed("authority.example/alice", bytes(range(32)))
BOB = SigningKey.from_seed("registrar.example/bob", b"\x01" * 32)
TEXT = b'{"kind":"closing"}\n'


def test_a_note_names_every_known_signer_in_its_order() -> None:
    note = parse_note(sign_note(TEXT, [BOB, ALICE]))
    assert note.text == TEXT
    assert verify_note(note, [ALICE.verifier_key, BOB.verifier_key]) == (BOB.verifier_key, ALICE.verifier_key)


def test_a_signature_of_an_unknown_key_is_ignored() -> None:
    note = parse_note(sign_note(TEXT, [BOB, ALICE]))
    assert verify_note(note, [ALICE.verifier_key]) == (ALICE.verifier_key,)


def test_a_note_without_a_known_signer_is_refused() -> None:
    with pytest.raises(BadSignature, match="no signature of a known key"):
        verify_note(parse_note(sign_note(TEXT, [BOB])), [ALICE.verifier_key])


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    raw = sign_note(TEXT, [ALICE]) + _line(BOB.verifier_key, bytes(64))
    with pytest.raises(BadSignature, match=r"registrar\.example/bob"):
        verify_note(parse_note(raw), [ALICE.verifier_key, BOB.verifier_key])


@pytest.mark.parametrize("length", [1, 63, 65, 72])
def test_a_signature_of_another_length_does_not_verify(length: int) -> None:
    raw = TEXT + b"\n" + _line(ALICE.verifier_key, bytes(length))
    with pytest.raises(BadSignature):
        verify_note(parse_note(raw), [ALICE.verifier_key])


def test_a_signature_does_not_carry_over_to_another_text() -> None:
    signed = sign_note(TEXT, [ALICE])
    with pytest.raises(BadSignature):
        verify_note(parse_note(signed.replace(b"closing", b"opening")), [ALICE.verifier_key])


def test_a_signature_with_a_scalar_above_the_group_order_is_refused() -> None:
    order = 2**252 + 27742317777372353535851937790883648493
    signature = ALICE.sign(TEXT)
    larger = (int.from_bytes(signature[32:], "little") + order).to_bytes(32, "little")
    raw = TEXT + b"\n" + _line(ALICE.verifier_key, signature[:32] + larger)
    with pytest.raises(BadSignature):
        verify_note(parse_note(raw), [ALICE.verifier_key])


def test_a_known_key_that_signs_twice_is_refused_even_if_both_lines_are_right() -> None:
    line = _line(ALICE.verifier_key, ALICE.sign(TEXT))
    with pytest.raises(Malformed, match="two signature lines"):
        verify_note(parse_note(TEXT + b"\n" + line + line), [ALICE.verifier_key])


def test_same_name_or_same_id_alone_does_not_make_a_key_known() -> None:
    namesake = SigningKey.from_seed(ALICE.verifier_key.name, b"\x02" * 32).verifier_key
    raw = TEXT + b"\n" + _line(namesake, bytes(64)) + _line(ALICE.verifier_key, ALICE.sign(TEXT))
    same_id = format_signature_lines([NoteSignature("other.example", ALICE.verifier_key.key_id, bytes(64))])
    assert verify_note(parse_note(raw + same_id), [ALICE.verifier_key]) == (ALICE.verifier_key,)


def test_asking_with_the_same_key_twice_or_with_a_witness_key_is_our_own_mistake() -> None:
    note = parse_note(sign_note(TEXT, [ALICE]))
    with pytest.raises(Unusable, match="same name and key id"):
        verify_note(note, [ALICE.verifier_key, ALICE.verifier_key])
    witness = SigningKey.from_seed("witness.example", b"\x03" * 32, COSIGNATURE_V1)
    with pytest.raises(Unusable, match="0x04"):
        verify_note(note, [witness.verifier_key])
    with pytest.raises(Unusable, match="0x04"):
        sign_note(TEXT, [witness])
    with pytest.raises(Unusable, match="at least one signer"):
        sign_note(TEXT, [])


@pytest.mark.parametrize(
    "text", [b"", b"no newline", b"bell\x07\n", b"tab\t\n", b"\xff\n", b"cr\r\n", b"\x00\n"], ids=ascii
)
def test_a_text_that_no_note_can_have_is_not_signed(text: bytes) -> None:
    with pytest.raises(Malformed):
        sign_note(text, [ALICE])


def test_the_text_may_hold_empty_lines_and_what_looks_like_signatures() -> None:
    text = b"one\n\n" + _line(BOB.verifier_key, bytes(64)) + b"\n\ntwo\n"
    note = parse_note(sign_note(text, [ALICE]))
    assert note.text == text
    assert verify_note(note, [ALICE.verifier_key, BOB.verifier_key]) == (ALICE.verifier_key,)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("- name AAAAAAA=", "not of the form"),
        ("\u2014 name", "not of the form"),
        ("\u2014  name AAAAAAA=", "not of the form"),
        ("\u2014 name AAAAAAA= ", "not of the form"),
        ("\u2014 na+me AAAAAAA=", "plus sign"),
        ("\u2014 na\u00a0me AAAAAAA=", "space"),
        ("\u2014 na\u2028me AAAAAAA=", "space"),
        ("\u2014 name AAAAAAA", "not base64"),
        ("\u2014 name AAAAAAB=", "not canonical"),
        ("\u2014 name AAAAAA==", "no signature after the key id"),
        ("", "no signature lines"),
        ("text", "not of the form"),
    ],
)
def test_a_signature_line_has_one_form(line: str, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_note(TEXT + b"\n" + line.encode() + (b"\n" if line else b""))


def test_a_note_has_at_most_sixty_four_signature_lines_and_a_million_bytes() -> None:
    line = _line(ALICE.verifier_key, bytes(64))
    assert len(parse_note(TEXT + b"\n" + line * MAX_SIGNATURES).signatures) == MAX_SIGNATURES
    with pytest.raises(Malformed, match="65 signature lines"):
        parse_note(TEXT + b"\n" + line * (MAX_SIGNATURES + 1))
    with pytest.raises(Malformed, match="more than 1000000"):
        parse_note(b"a" * 1_000_000 + b"\n\n" + line)


def test_an_entry_reads_back_to_its_own_bytes() -> None:
    raw = sign_note(TEXT, [ALICE, BOB])
    assert open_signed_entry(raw) == parse_note(raw)


@pytest.mark.parametrize("text", [b"{}\n{}\n", b"\n{}\n", b"{}\n\n{}\n"])
def test_the_text_of_an_entry_is_one_line(text: bytes) -> None:
    with pytest.raises(Malformed, match="instead of one"):
        open_signed_entry(sign_note(text, [ALICE]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda raw: raw[:-1], "does not end in a newline"),
        (lambda raw: raw + b"\n", "no signature lines"),
        (lambda raw: raw.replace(b"\n\n", b"\n"), "no signature lines"),
        (lambda raw: raw.replace(b"\n", b"\r\n"), "control character 0x0d at byte 18"),
        (lambda raw: raw + b" ", "does not end in a newline"),
        (lambda raw: raw[:-2] + b"\n", "base64"),
        (lambda raw: b"\xef\xbb" + raw, "byte 0 is not UTF-8"),
        (lambda raw: b'{"a":"' + b"a" * 65_600 + raw, "more than 65535"),
    ],
)
def test_an_entry_written_in_any_other_way_is_malformed(change, reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Malformed, match=reason):
        open_signed_entry(change(sign_note(TEXT, [ALICE])))


def test_a_verifier_key_reads_back() -> None:
    for algorithm in (1, 4):
        key = SigningKey.from_seed("example.com/\u00e9", b"\x05" * 32, algorithm).verifier_key
        assert parse_vkey(format_vkey(key)) == key
        assert str(key) == format_vkey(key)


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\u2003b", "a\nb", "a\x00b", "a\x85b"], ids=ascii)
def test_a_key_name_has_no_space_plus_or_control_character(name: str) -> None:
    with pytest.raises(Malformed, match="key name"):
        verifier_key(name, bytes(32))


def test_a_verifier_key_whose_parts_do_not_belong_together_cannot_be_made() -> None:
    key = ALICE.verifier_key
    with pytest.raises(Malformed, match="key id"):
        VerifierKey("authority.example/mallory", key.key_id, key.algorithm, key.public_key)
    with pytest.raises(Malformed, match="0x02 is not supported"):
        verifier_key("a", bytes(32), 2)
    with pytest.raises(Malformed, match="31 bytes instead of 32"):
        verifier_key("a", bytes(31))
    with pytest.raises(Malformed, match="name\\+id\\+key"):
        parse_vkey("authority.example/alice")


def test_the_representation_of_a_signing_key_shows_no_secret() -> None:
    seed = bytes(range(32))
    shown = repr(SigningKey.from_seed("a.example", seed))
    assert seed.hex() not in shown
    assert "private" not in shown.lower()
    with pytest.raises(Unusable, match="31 bytes instead of 32"):
        SigningKey.from_seed("a.example", seed[:31])


def _line(key: VerifierKey, signature: bytes) -> bytes:
    return format_signature_lines([NoteSignature(key.name, key.key_id, signature)])
