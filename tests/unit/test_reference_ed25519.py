"""The reference Ed25519 verifier against an independent implementation, and on what it must refuse."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from retally_reference import edwards
from retally_reference.ed25519 import BASE, decode_point, encode_point, valid_ed25519_key, verify
from retally_reference.edwards import ORDER, P

SIGNERS = [Ed25519PrivateKey.from_private_bytes(bytes([i]) * 32) for i in range(1, 9)]
IDENTITY_KEY = (1).to_bytes(32, "little")


def signed(signer: Ed25519PrivateKey, message: bytes) -> tuple[bytes, bytes, bytes]:
    return signer.public_key().public_bytes_raw(), message, signer.sign(message)


def torsion_points() -> list[edwards.Point]:
    """The eight points of order dividing 8: multiples of L times some point of the whole curve."""
    for y in range(2, 100):
        point = decode_point(y.to_bytes(32, "little"))
        if point is not None:
            torsion = edwards.multi_scalar_multiply([ORDER], [point])
            if not edwards.is_same_point(edwards.multi_scalar_multiply([4], [torsion]), edwards.IDENTITY):
                return [edwards.multi_scalar_multiply([i], [torsion]) for i in range(8)]
    raise AssertionError("no point of order 8 found")


@pytest.mark.parametrize("signer", SIGNERS, ids=range(len(SIGNERS)))
@pytest.mark.parametrize("message", [b"", b"a note\n", bytes(1000)], ids=len)
def test_signatures_of_another_implementation_are_accepted(signer: Ed25519PrivateKey, message: bytes) -> None:
    assert verify(*signed(signer, message))


def test_a_signature_with_any_bit_turned_is_refused() -> None:
    key, message, signature = signed(SIGNERS[0], b"checkpoint")
    for bit in range(0, 512, 7):
        turned = (int.from_bytes(signature, "little") ^ 1 << bit).to_bytes(64, "little")
        assert not verify(key, message, turned)


def test_a_signature_is_refused_for_another_message_or_key() -> None:
    key, message, signature = signed(SIGNERS[0], b"checkpoint")
    other, _, other_signature = signed(SIGNERS[1], b"checkpoint")
    assert not verify(key, message + b"\n", signature)
    assert not verify(other, message, signature)
    assert not verify(key, message, other_signature)


@pytest.mark.parametrize("length", [0, 32, 63, 65, 128])
def test_a_signature_of_another_length_is_refused(length: int) -> None:
    key, message, signature = signed(SIGNERS[0], b"checkpoint")
    assert not verify(key, message, (signature * 2)[:length])


def test_s_that_is_not_below_the_order_is_refused() -> None:
    key, message, signature = signed(SIGNERS[0], b"checkpoint")
    s = int.from_bytes(signature[32:], "little")
    assert not verify(key, message, signature[:32] + (s + ORDER).to_bytes(32, "little"))


def test_a_key_that_is_no_canonical_point_is_refused() -> None:
    _, message, signature = signed(SIGNERS[0], b"checkpoint")
    for key in (P + 1, P, 2, 2**255 - 1, 1 | 1 << 255):
        assert not verify(key.to_bytes(32, "little"), message, signature)
        assert not valid_ed25519_key(key.to_bytes(32, "little"))
    assert not verify(b"", message, signature)


def test_keys_of_another_implementation_are_valid() -> None:
    assert all(valid_ed25519_key(signer.public_key().public_bytes_raw()) for signer in SIGNERS)
    assert valid_ed25519_key(encode_point(BASE))


def test_keys_of_small_order_are_not_valid() -> None:
    encodings = {encode_point(point) for point in torsion_points()}
    assert len(encodings) == 8
    assert IDENTITY_KEY in encodings
    assert not any(valid_ed25519_key(encoding) for encoding in encodings)


def test_a_key_with_a_torsion_component_is_not_valid() -> None:
    honest = decode_point(SIGNERS[0].public_key().public_bytes_raw())
    assert honest is not None
    mixed = {encode_point(edwards.add(honest, torsion)) for torsion in torsion_points()}
    assert len(mixed) == 8
    assert [key for key in mixed if valid_ed25519_key(key)] == [SIGNERS[0].public_key().public_bytes_raw()]


@pytest.mark.parametrize("length", [0, 31, 33])
def test_a_key_of_another_length_is_not_valid(length: int) -> None:
    assert not valid_ed25519_key((SIGNERS[0].public_key().public_bytes_raw() * 2)[:length])
