"""What a session id, an instance, a ballot's body, a nonce and a proof look like, byte for byte.

Two implementations that disagree about an election disagree first about one of these bytes, and a failure here says
which: the inputs are as small as they can be, the bytes stand in the test, in the fields that docs/spec pages 2 and 6
give them.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from hashlib import sha256, shake_128, shake_256
from typing import cast

import pytest

from retally_crypto.ballots import FIRST
from retally_crypto.credentials import CREDENTIAL_PART
from retally_crypto.engine import Engine
from retally_crypto.relations import compile_relation, tag
from retally_crypto.secret.encrypt import SealedBallot, encrypt
from retally_lab.boards.manifests import contest, manifest
from retally_reference import sigma
from retally_reference.fiat_shamir import DuplexSponge
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import parse

Fields = Sequence[tuple[str, str]]
"""What a byte string is made of: what each field says, and its hex."""

ELECTION = bytes(range(32))
SEED = bytes(range(0x40, 0x60))

G = "e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76"
C = "6a493210f7499cd17fecb510ae0cea23a110e8d5b901f8acadd3095c73a3b919"  # 2·G: the voter's secret is 2
K = "44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d"  # 7·G
THREE_G = "94741f5d5d52755ece4f23f044ee27d5d1ea1e2bd196b462166b16152a9d0259"
ZERO = "00" * 32
ONE = "01" + "00" * 31
MINUS_ONE = "ecd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010"

# The one ballot of this page: one option, exactly one vote, so one bit that is 1.
NONCE = "d83547021de38c07dfa18977729f7c0a3dce11684dcac0a22c942b96eaa8c605"
A = "84ff02e8cb6636479de38cc4979a2dc022e15f50fa36a212bbad22815fc78916"
B = "7e3ffdac621261cd8d8eb1fb5b298d2ba64e409382392d92ce4a7253dbeef316"
BODY_HASH = "b86dc82850d107edccfcbbc83dea66044963c7e1897e8bb48be41bc57a78d2c1"
BALLOT_SESSION = "cab66d40152b30f48588b2f96678ceff19379825b971d6de7b48f7805ef98c8c"

BALLOT_HEADER: Fields = (
    ("number of equations", "06000000"),
    ("C = c*G, number of image terms", "01000000"),
    ("C = c*G, image: element 2 is C", "02000000" + ONE),
    ("C = c*G, number of terms", "01000000"),
    ("C = c*G, term: scalar 0 is c, element 0 is G", "00000000" + "00000000" + ONE),
    ("A = r*G, number of image terms", "01000000"),
    ("A = r*G, image: element 3 is A", "03000000" + ONE),
    ("A = r*G, number of terms", "01000000"),
    ("A = r*G, term: scalar 2 is r", "02000000" + "00000000" + ONE),
    ("B = b*G + r*K, number of image terms", "01000000"),
    ("B = b*G + r*K, image: element 4 is B", "04000000" + ONE),
    ("B = b*G + r*K, number of terms", "02000000"),
    ("B = b*G + r*K, first term: scalar 1 is b", "01000000" + "00000000" + ONE),
    ("B = b*G + r*K, second term: element 1 is K", "02000000" + "01000000" + ONE),
    ("A = b*A + s*G, number of image terms", "01000000"),
    ("A = b*A + s*G, image", "03000000" + ONE),
    ("A = b*A + s*G, number of terms", "02000000"),
    ("A = b*A + s*G, first term", "01000000" + "03000000" + ONE),
    ("A = b*A + s*G, second term: scalar 3 is s", "03000000" + "00000000" + ONE),
    ("B = b*B + s*K, number of image terms", "01000000"),
    ("B = b*B + s*K, image", "04000000" + ONE),
    ("B = b*B + s*K, number of terms", "02000000"),
    ("B = b*B + s*K, first term", "01000000" + "04000000" + ONE),
    ("B = b*B + s*K, second term", "03000000" + "01000000" + ONE),
    ("B - G = r*K, number of image terms", "02000000"),
    ("B - G = r*K, image: the weight of B is 1", "04000000" + ONE),
    ("B - G = r*K, image: max is 1, so -1 of G", "00000000" + MINUS_ONE),
    ("B - G = r*K, number of terms", "01000000"),
    ("B - G = r*K, term", "02000000" + "01000000" + ONE),
)
ELEMENTS: Fields = (("K", K), ("C", C), ("A", A), ("B", B))

BALLOT_TAG = f"RETALLY-V01-Ballot-{ELECTION.hex()}{BODY_HASH}-DSFS-with-sigma-proofs_Shake128_Ristretto255".encode()


def first_difference(found: bytes, fields: Fields) -> str | None:
    """Where `found` first differs from the fields, and in which of them; None if nowhere."""
    start = 0
    for name, text in fields:
        for at, (ours, theirs) in enumerate(zip(bytes.fromhex(text), found[start:], strict=False), start=start):
            if ours != theirs:
                return f"byte {at}, which is byte {at - start} of {name}: {theirs:02x} instead of {ours:02x}"
        start += len(text) // 2
        if len(found) < start:
            return f"byte {len(found)} is missing: it belongs to {name}"
    return None if len(found) == start else f"byte {start} is one too many"


@pytest.fixture(params=["reference", "native"])
def engine(request: pytest.FixtureRequest) -> Engine:
    if request.param == "native":
        return cast(
            Engine,
            pytest.importorskip("retally_native", reason="the native engine (retally_native) is not installed"),
        )
    return cast(Engine, importlib.import_module("retally_reference.engine"))


def the_ballot() -> SealedBallot:
    one_option = manifest([contest("yes", 1, 1, 1)])
    return encrypt(one_option, ELECTION, bytes.fromhex(K), 0, bytes.fromhex(C), FIRST, [[1]], SEED)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ("aabbcc", None),
        ("aabbcd", "byte 2, which is byte 1 of the second: cd instead of cc"),
        ("ffbbcd", "byte 0, which is byte 0 of the first: ff instead of aa"),
        ("aabb", "byte 2 is missing: it belongs to the second"),
        ("", "byte 0 is missing: it belongs to the first"),
        ("aabbccdd", "byte 3 is one too many"),
    ],
)
def test_a_difference_is_named_by_its_first_byte(found: str, said: str | None) -> None:
    assert first_difference(bytes.fromhex(found), [("the first", "aa"), ("the second", "bbcc")]) == said


# ---- session id ----


def test_a_tag() -> None:
    written = tag("CredentialPart", ELECTION, (1).to_bytes(4, "little"), bytes.fromhex(K))
    assert written == (
        b"RETALLY-V01-CredentialPart-"
        b"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"  # the election
        b"01000000"  # registrar 1
        b"44f53520926ec81fbd5a387845beb7df85a96a24ece18738bdcfa6a7822a176d"  # the replaced credential
        b"-DSFS-with-sigma-proofs_Shake128_Ristretto255"
    )
    assert tag("Ballot", ELECTION, bytes.fromhex(BODY_HASH)) == BALLOT_TAG


def test_a_session_id(engine: Engine) -> None:
    assert first_difference(engine.session_id(BALLOT_TAG), [("the session id", BALLOT_SESSION)]) is None


def test_a_session_id_is_squeezed_from_a_block_that_holds_the_label_and_the_tag_after_it() -> None:
    block = b"irtf-cfrg-fiat-shamir/session-id" + bytes(168 - 32)
    assert shake_128(block + BALLOT_TAG).hexdigest(32) == BALLOT_SESSION


# ---- instance ----


def test_the_instance_of_a_credential_part() -> None:
    fields: Fields = (
        ("number of equations", "01000000"),
        ("number of image terms", "01000000"),
        ("image: element 1 is P", "01000000" + ONE),
        ("number of terms", "01000000"),
        ("term: scalar 0 is c, element 0 is G", "00000000" + "00000000" + ONE),
        ("P", C),
    )
    instance = compile_relation(CREDENTIAL_PART).header + bytes.fromhex(C)
    assert first_difference(instance, fields) is None


def test_the_instance_of_a_ballot() -> None:
    sealed = the_ballot()
    instance = sealed.layout.template.header + sealed.key + sealed.credential + sealed.ciphertexts
    assert first_difference(instance, [*BALLOT_HEADER, *ELEMENTS]) is None


# ---- nonce, ciphertext, body ----


def test_a_nonce() -> None:
    context: Fields = (
        ("RETALLY-V01-nonce", "52455441 4c4c592d 5630312d 6e6f6e63 65".replace(" ", "")),
        ("the seed", "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f"),
        ("the election", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"),
        ("the credential", C),
        ("previous", ZERO),
        ("the style", "00000000"),
        ("the contest in the style", "00000000"),
        ("the bit in the contest", "00000000"),
    )
    wide = shake_256(bytes.fromhex("".join(text for _, text in context))).digest(64)
    fields = [
        ("the lower half", "c84dec32860ef5ed8a67cd993b885567159e605d2c99522589a1a3f03687c3f3"),
        ("the upper half", "dcb5d6b10d8480f1669b81ba975e3b3786f8a98d044c6537fa1c13c5553889bd"),
    ]
    assert first_difference(wide, fields) is None
    reduced = int.from_bytes(wide, "little") % RISTRETTO255.order
    assert first_difference(reduced.to_bytes(32, "little"), [("the nonce", NONCE)]) is None
    assert first_difference(b"".join(the_ballot().nonces), [("the nonce", NONCE)]) is None


def test_a_ciphertext(engine: Engine) -> None:
    assert first_difference(the_ballot().ciphertexts, [("A", A), ("B", B)]) is None
    nonce = bytes.fromhex(NONCE)
    assert first_difference(engine.multiply_base(nonce), [("A = r*G", A)]) is None
    b = engine.add(bytes.fromhex(G), engine.multiply_fixed(bytes.fromhex(K), nonce))
    assert first_difference(b, [("B = 1*G + r*K", B)]) is None


def test_the_body_of_a_ballot() -> None:
    body = (
        b'{"ciphertexts":"hP8C6MtmNked44zEl5otwCLhX1D6NqISu60igV_HiRZ-P_2sYhJhzY2OsftbKY0rpk5Ak4I5LZLOSnJT2-7zFg"'
        b',"credential":"akkyEPdJnNF_7LUQrgzqI6EQ6NW5AfisrdMJXHOjuRk"'
        b',"election":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"'
        b',"kind":"ballot"'
        b',"previous":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"'
        b',"style":"d1-1"}'
    )
    sealed = the_ballot()
    assert first_difference(sealed.body, [("the body", body.hex())]) is None
    assert first_difference(sha256(sealed.body).digest(), [("the hash of the body", BODY_HASH)]) is None
    assert sealed.body_hash == sha256(body).digest()
    assert sealed.tracking_code == "Q1PW-GA2G-T43Y-VK7W-QF43-VTK6-0H4P-7H4V"


# ---- proof ----


def proof_with_nonces(header: bytes, elements: bytes, proof_tag: bytes, witness: list[int], nonces: list[int]) -> bytes:
    source = iter(nonces)
    relation = parse(RISTRETTO255, header + elements)
    return sigma.prove_batchable(proof_tag, relation, witness, nonce_source=lambda: next(source))


def test_the_proof_of_a_credential_part(engine: Engine) -> None:
    """The secret is 2, the prover's nonce 3; the response is 3 + 2·challenge."""
    header = compile_relation(CREDENTIAL_PART).header
    proof_tag = tag("CredentialPart", ELECTION, (1).to_bytes(4, "little"), bytes.fromhex(K))
    session = "4308752880079c1e404f0573acfec9f880a5ac66e2209e99f62d18a80855e441"
    assert first_difference(engine.session_id(proof_tag), [("the session id", session)]) is None
    proof = proof_with_nonces(header, bytes.fromhex(C), proof_tag, [2], [3])
    challenge = challenge_of(bytes.fromhex(session), header + bytes.fromhex(C), proof[:32])
    said = "63318f69483401372bd9106b4d75bba1cb85a5ca64e83ed632b8993827e78f03"
    assert first_difference(challenge, [("the challenge", said)]) is None
    fields = [
        ("the commitment, 3*G", THREE_G),
        ("the response", "c9621ed39068026e56b221d69aea7643970b4b95c9d07dac657033714ece1f07"),
    ]
    assert first_difference(proof, fields) is None
    assert engine.verify(header, bytes.fromhex(C), proof_tag, proof)


def test_the_proof_of_a_ballot(engine: Engine) -> None:
    """The prover's nonces are 3 for c, 4 for b, 5 for r, 6 for s; the witness is 2, 1, the ballot's nonce, 0."""
    header, elements = (bytes.fromhex("".join(text for _, text in part)) for part in (BALLOT_HEADER, ELEMENTS))
    witness = [2, 1, int.from_bytes(bytes.fromhex(NONCE), "little"), 0]
    proof = proof_with_nonces(header, elements, BALLOT_TAG, witness, [3, 4, 5, 6])
    challenge = challenge_of(bytes.fromhex(BALLOT_SESSION), header + elements, proof[: 6 * 32])
    said = "2f747ac8a503ccacd9349a565922cfa31e81943fd64e4e52df1d485bd647000c"
    assert first_difference(challenge, [("the challenge", said)]) is None
    fields = [
        ("the commitment to C = c*G, 3*G", THREE_G),
        ("to A = r*G, 5*G", "e882b131016b52c1d3337080187cf768423efccbb517bb495ab812c4160ff44e"),
        ("to B = b*G + r*K, 4*G + 5*K", "5e7e8089547c1f6f76a52a8e9d445e1497a3d02001abcd4725162ebc28804b5e"),
        ("to A = b*A + s*G, 4*A + 6*G", "4abf61110ef50d46c222dc0c90159e368ead5026ab7a79a6d680d46308034177"),
        ("to B = b*B + s*K, 4*B + 6*K", "908f50efbe0b09d0c56d4c8bf44ca46a109bd952ba5b6acc34eb3d93a0a9307d"),
        ("to B - G = r*K, 5*K", "ae831391aa3a7a390a9be05e863f21e5a50033b847096cf7565a461050e1d91e"),
        ("the response for c", "7414ff3331a48501ddcc3c0ad44abf323d02297fac9d9ca4be3b90b6ac8f0008"),
        ("for b, the challenge + 4", "33747ac8a503ccacd9349a565922cfa31e81943fd64e4e52df1d485bd647000c"),
        ("for r", "3a0fa449ad4b7ee4fb6fa88a53410fe40aa91f45573d0e9d63653e48faeaf808"),
        ("for s, which is 0, its nonce", "06" + "00" * 31),
    ]
    assert first_difference(proof, fields) is None
    assert engine.verify(header, elements, BALLOT_TAG, proof)
    # The commitments again, as the engine computes them from what the names of the fields say.
    four, five, six = (bytes([n]) + bytes(31) for n in (4, 5, 6))
    g, k, a, b = (bytes.fromhex(point) for point in (G, K, A, B))
    rows = [(five, g), (four + five, g + k), (four + six, a + g), (four + six, b + k), (five, k)]
    computed = b"".join(engine.multi_scalar_multiply(scalars, points) for scalars, points in rows)
    assert first_difference(computed, fields[1:6]) is None


def challenge_of(session_id: bytes, instance: bytes, commitment: bytes) -> bytes:
    """48 squeezed bytes, little-endian, modulo the order; and that the sponge is plain SHAKE128 over its blocks."""
    sponge = DuplexSponge(session_id)
    sponge.absorb(instance)
    sponge.absorb(commitment)
    squeezed = sponge.squeeze(48)
    assert squeezed == shake_128(session_id + bytes(168 - 32) + instance + commitment).digest(48)
    return (int.from_bytes(squeezed, "little") % RISTRETTO255.order).to_bytes(32, "little")
