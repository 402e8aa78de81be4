"""Codes become credentials, and registrars cannot go back on theirs (docs/spec 5.6, 5.7)."""

import hashlib
import hmac

import pytest

from retally_crypto.credentials import (
    combine_parts,
    opened_roll_digest,
    roll_commitment,
    roll_commitment_hasher,
    roll_positions,
    verify_part,
)
from retally_crypto.engine import engine
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.relations import ORDER
from retally_crypto.secret.credentials import (
    combine_secrets,
    new_code,
    parse_code,
    part_secret,
    prove_part,
    public_part,
)

ELECTION = hashlib.sha256(b"an election").digest()
OTHER_ELECTION = hashlib.sha256(b"another election").digest()
CODE = bytes(range(15))


def test_a_code_has_seven_groups_and_120_fresh_bits() -> None:
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4] * 7
        assert len(parse_code(code)) == 15


def test_a_mistyped_code_is_noticed_and_not_repeated() -> None:
    code = new_code()
    typed = ("0" if code[0] != "0" else "1") + code[1:]
    with pytest.raises(Malformed) as refusal:
        parse_code(typed)
    assert typed not in str(refusal.value)
    assert typed[:4] not in str(refusal.value)


def test_a_part_is_hkdf_sha512_of_the_code_in_this_election_by_this_registrar() -> None:
    extracted = hmac.digest(ELECTION, CODE, "sha512")
    info = b"RETALLY-V01-credential" + b"\x02\0\0\0"
    wide = hmac.digest(extracted, info + b"\x01", "sha512")
    expected = int.from_bytes(wide, "little") % ORDER
    assert part_secret(CODE, ELECTION, 2) == expected.to_bytes(32, "little")


def test_one_code_gives_unrelated_parts_elsewhere() -> None:
    parts = {part_secret(CODE, ELECTION, 1), part_secret(CODE, ELECTION, 2), part_secret(CODE, OTHER_ELECTION, 1)}
    assert len(parts) == 3


def test_the_sum_of_the_parts_is_the_credential_of_the_sum_of_the_secrets() -> None:
    secrets = [part_secret(CODE, ELECTION, registrar) for registrar in (1, 2, 3)]
    credential = combine_parts([public_part(secret) for secret in secrets])
    assert credential == public_part(combine_secrets(secrets))


def test_many_credentials_are_combined_at_once() -> None:
    first = [part_secret(bytes([i]) * 15, ELECTION, 1) for i in range(3)]
    second = [part_secret(bytes([i]) * 15, ELECTION, 2) for i in range(3)]
    together = combine_parts([public_part(b"".join(first)), public_part(b"".join(second))])
    one_by_one = [combine_parts([public_part(a), public_part(b)]) for a, b in zip(first, second, strict=True)]
    assert together == b"".join(one_by_one)


def test_parts_that_cancel_out_make_no_credential() -> None:
    part = part_secret(CODE, ELECTION, 1)
    negative = (ORDER - int.from_bytes(part, "little")).to_bytes(32, "little")
    with pytest.raises(Unusable):
        combine_secrets([part, negative])


def test_a_roll_commitment_is_over_every_part_and_style_in_order() -> None:
    parts = public_part(b"".join(part_secret(bytes([i]) * 15, ELECTION, 1) for i in range(2)))
    expected = hashlib.sha256(
        b"RETALLY-V01-roll" + ELECTION + b"\x01\0\0\0" + b"\x02" + bytes(7)
        + parts[:32] + b"\x05\0\0\0" + parts[32:] + b"\x07\0\0\0"
    ).digest()  # fmt: skip
    assert roll_commitment(ELECTION, 1, parts, [5, 7]) == expected
    chunked = roll_commitment_hasher(ELECTION, 1, 2)
    chunked.update(roll_positions(parts[:32], [5]))
    chunked.update(roll_positions(parts[32:], [7]))
    assert chunked.digest() == expected
    others = [
        roll_commitment(OTHER_ELECTION, 1, parts, [5, 7]),
        roll_commitment(ELECTION, 2, parts, [5, 7]),
        roll_commitment(ELECTION, 1, parts, [7, 5]),
        roll_commitment(ELECTION, 1, parts[32:] + parts[:32], [5, 7]),
    ]
    assert expected not in others


def test_the_opened_roll_is_over_credentials_and_styles() -> None:
    credentials = [public_part(part_secret(bytes([i]) * 15, ELECTION, 1)) for i in range(2)]
    expected = hashlib.sha256(
        b"RETALLY-V01-opened-roll" + ELECTION + b"\x02" + bytes(7)
        + credentials[0] + b"\x01\0\0\0" + credentials[1] + bytes(4)
    ).digest()  # fmt: skip
    assert opened_roll_digest(ELECTION, [(credentials[0], 1), (credentials[1], 0)], 2) == expected
    with pytest.raises(ValueError, match="1 active credentials, 2 announced"):
        opened_roll_digest(ELECTION, [(credentials[0], 1)], 2)


def test_a_replacement_part_needs_its_secret_and_fits_one_replacement_only() -> None:
    secret = part_secret(CODE, ELECTION, 1)
    part = public_part(secret)
    replaced = public_part(part_secret(b"R" * 15, ELECTION, 1))
    other = public_part(part_secret(b"S" * 15, ELECTION, 1))
    proof = prove_part(secret, ELECTION, 1, replaced)
    assert len(proof) == 64
    assert verify_part(part, proof, ELECTION, 1, replaced)
    assert not verify_part(part, proof, ELECTION, 1, other)
    assert not verify_part(part, proof, ELECTION, 2, replaced)
    assert not verify_part(part, proof, OTHER_ELECTION, 1, replaced)
    assert not verify_part(other, proof, ELECTION, 1, replaced)


def test_the_last_registrar_cannot_prove_a_part_chosen_so_that_it_knows_the_sum() -> None:
    honest = public_part(part_secret(CODE, ELECTION, 1))
    known = part_secret(b"M" * 15, ELECTION, 2)
    replaced = public_part(part_secret(b"R" * 15, ELECTION, 1))
    chosen = engine.subtract(public_part(known), honest)
    assert combine_parts([honest, chosen]) == public_part(known)
    proof = prove_part(known, ELECTION, 2, replaced)
    assert not verify_part(chosen, proof, ELECTION, 2, replaced)
