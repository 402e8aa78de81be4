"""Signed notes against the published vectors of golang.org/x/mod and of C2SP."""

import base64
from typing import Any

import pytest

from retally_crypto.checkpoints import parse_checkpoint, verify_checkpoint
from retally_crypto.errors import BadSignature, Malformed, Refused, RetallyError
from retally_crypto.notes import format_vkey, parse_note, parse_vkey, verifier_key, verify_note
from retally_crypto.secret.sign import SigningKey, sign_checkpoint, sign_note
from tests.shared_vectors import vectors_json, vectors_path

GO = vectors_json("tlog", "golang-x-mod-note", "note.json")
C2SP = vectors_json("tlog", "c2sp-spec-examples", "examples.json")
GO_KEYS = {name: parse_vkey(vkey) for name, vkey in GO["vkeys"].items()}


def go_signing_key(text: str) -> SigningKey:
    """Read Go's own form of a signing key: PRIVATE+KEY+name+id+base64(type ‖ seed)."""
    name, _, key = text.removeprefix("PRIVATE+KEY+").split("+", 2)
    raw = base64.b64decode(key)
    return SigningKey.from_seed(name, raw[1:], raw[0])


def note_bytes(case: dict[str, str]) -> bytes:
    return bytes.fromhex(case["note_hex"]) if "note_hex" in case else case["note"].encode()


@pytest.mark.parametrize("case", GO["good"], ids=lambda case: case["desc"])
def test_good_go_notes_verify(case: dict[str, Any]) -> None:
    note = parse_note(case["note"].encode())
    verified = verify_note(note, [GO_KEYS[name] for name in case["verify_with"]])
    assert note.text.decode() == GO["text"]
    assert verified == tuple(GO_KEYS[name] for name in case["verified"])
    assert len(note.signatures) - len(verified) == case["unverified"]


@pytest.mark.parametrize("case", GO["bad"], ids=lambda case: case["desc"])
def test_bad_go_notes_are_refused_for_the_same_reason(case: dict[str, str]) -> None:
    expected = Malformed if case.get("go_error") == "malformed note" else BadSignature
    with pytest.raises(expected):
        verify_note(parse_note(note_bytes(case)), [GO_KEYS[name] for name in case["verify_with"]])


def test_the_go_key_signs_the_go_note_byte_for_byte() -> None:
    signer = go_signing_key(GO["skey_peter"])
    assert signer.verifier_key == GO_KEYS["peter"]
    one_signature = next(case["note"] for case in GO["good"] if case["desc"] == "one sig")
    assert sign_note(GO["text"].encode(), [signer]) == one_signature.encode()


@pytest.mark.parametrize("vkey", GO["bad_vkeys"])
def test_bad_go_verifier_keys_are_refused(vkey: str) -> None:
    with pytest.raises(Malformed):
        parse_vkey(vkey)


@pytest.mark.parametrize("name", sorted(GO["vkeys"]))
def test_every_proper_substring_and_every_changed_byte_of_a_verifier_key_is_refused(name: str) -> None:
    vkey = GO["vkeys"][name]
    assert format_vkey(parse_vkey(vkey)) == vkey
    changed = [vkey[:place] + chr(ord(vkey[place]) + 1) + vkey[place + 1 :] for place in range(len(vkey))]
    parts = [vkey[start:end] for start in range(len(vkey)) for end in range(start, len(vkey) + 1)]
    for wrong in (*changed, *(part for part in parts if part != vkey)):
        with pytest.raises(Malformed):
            parse_vkey(wrong)


def test_the_example_of_the_signed_note_page_verifies() -> None:
    example = C2SP["signed_note"]
    key = parse_vkey(example["vkey"])
    assert verify_note(parse_note(example["note"].encode()), [key]) == (key,)


def test_the_sigsum_checkpoint_verifies_as_a_checkpoint() -> None:
    example = C2SP["sigsum_checkpoint_issue99"]
    origin = example["note"].partition("\n")[0]
    key = verifier_key(origin, bytes.fromhex(example["public_key_hex"]))
    checkpoint = verify_checkpoint(example["note"].encode(), key)
    assert (checkpoint.origin, checkpoint.size) == (origin, 10)


def test_the_go_checksum_database_verifies_as_a_note_but_its_origin_is_not_its_key_name() -> None:
    example = C2SP["sum_golang_org"]
    key = parse_vkey(example["vkey"])
    note = parse_note(example["note"].encode())
    assert verify_note(note, [key]) == (key,)
    assert parse_checkpoint(note.text).size == 35225469
    with pytest.raises(Refused, match="origin"):
        verify_checkpoint(example["note"].encode(), key)


def test_the_cosigned_example_parses_with_its_time() -> None:
    example = C2SP["syntax_only_cosigned_checkpoint"]
    note = parse_note(example["note"].encode())
    assert parse_checkpoint(note.text).size == 20852163
    log, witness = note.signatures
    assert (log.name, len(log.signature)) == ("example.com/behind-the-sofa", 64)
    assert (witness.name, len(witness.signature)) == ("witness.example.com/w1", 72)
    assert int.from_bytes(witness.signature[:8], "big") == example["timestamp_in_blob"]
    with pytest.raises(RetallyError):
        verify_note(note, list(GO_KEYS.values()))


def test_every_checkpoint_of_the_tessera_log_verifies_and_is_what_we_would_sign() -> None:
    keys = vectors_json("tlog", "tessera-testdata-log", "keys.json")
    signer = go_signing_key(keys["private_key"])
    assert signer.verifier_key == parse_vkey(keys["public_key"])
    for size in range(len(keys["entries"]) + 1):
        raw = vectors_path("tlog", "tessera-testdata-log", f"checkpoint.{size}").read_bytes()
        checkpoint = verify_checkpoint(raw, signer.verifier_key)
        assert checkpoint.size == size
        assert sign_checkpoint(checkpoint, signer) == raw
    newest = vectors_path("tlog", "tessera-testdata-log", "checkpoint").read_bytes()
    assert verify_checkpoint(newest, signer.verifier_key).size == len(keys["entries"])
