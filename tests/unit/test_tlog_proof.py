"""Receipts: these bytes, at this index, under a checkpoint that the board signed."""

import pytest

from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.errors import BadProof, BadSignature, Malformed, Refused
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import COSIGNATURE_V1
from retally_crypto.receipts import format_tlog_proof, verify_tlog_proof
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint
from retally_crypto.tlog_proof import TlogProof, parse_tlog_proof
from retally_crypto.tree_proofs import hash_source, inclusion_proof, span_root

ENTRIES = [b"manifest", b"opening", b"ballot one", b"ballot two", b"closing"]
SOURCE = hash_source([leaf_hash(entry) for entry in ENTRIES])
BOARD = SigningKey.from_seed("board.example/e1", b"\x01" * 32)
WITNESSES = [SigningKey.from_seed(f"witness.example/w{i}", bytes([10 + i]) * 32, COSIGNATURE_V1) for i in range(3)]
WITNESS_KEYS = [witness.verifier_key for witness in WITNESSES]
CHECKPOINT = Checkpoint("board.example/e1", 5, span_root(0, 5, SOURCE))
NOTE = sign_checkpoint(CHECKPOINT, BOARD)
PROOF = TlogProof(3, inclusion_proof(3, 5, SOURCE), NOTE)


def test_a_receipt_reads_back_and_proves_its_entry() -> None:
    proof = parse_tlog_proof(format_tlog_proof(PROOF))
    assert proof == PROOF
    verified = verify_tlog_proof(proof, b"ballot two", BOARD.verifier_key, (), 0)
    assert verified.index == 3
    assert verified.checkpoint.checkpoint == CHECKPOINT


def test_a_receipt_is_not_yet_witnessed_until_the_quorum_cosigned() -> None:
    for witnesses, cosigned in ((0, False), (1, False), (2, True), (3, True)):
        note = NOTE
        for witness in WITNESSES[:witnesses]:
            note = add_cosignatures(note, cosign(format_checkpoint(CHECKPOINT), witness, 1_700_000_000))
        proof = TlogProof(PROOF.index, PROOF.hashes, note)
        verified = verify_tlog_proof(proof, b"ballot two", BOARD.verifier_key, WITNESS_KEYS, 2)
        assert verified.cosigned is cosigned
        assert len(verified.checkpoint.cosignatures) == witnesses


def test_a_receipt_does_not_prove_another_entry_index_or_path() -> None:
    key = BOARD.verifier_key
    with pytest.raises(BadProof):
        verify_tlog_proof(PROOF, b"ballot one", key, (), 0)
    for index in (2, 4, 5):
        with pytest.raises(BadProof):
            verify_tlog_proof(TlogProof(index, PROOF.hashes, NOTE), b"ballot two", key, (), 0)
    with pytest.raises(BadProof):
        verify_tlog_proof(TlogProof(3, PROOF.hashes[:-1], NOTE), b"ballot two", key, (), 0)


def test_a_receipt_of_another_board_is_refused() -> None:
    other = SigningKey.from_seed("board.example/e1", b"\x02" * 32)
    forged = TlogProof(3, PROOF.hashes, sign_checkpoint(CHECKPOINT, other))
    with pytest.raises(BadSignature):
        verify_tlog_proof(forged, b"ballot two", BOARD.verifier_key, (), 0)


def test_extra_data_reads_back_but_a_retally_receipt_has_none() -> None:
    proof = TlogProof(3, PROOF.hashes, NOTE, extra=b"context")
    assert parse_tlog_proof(format_tlog_proof(proof)) == proof
    with pytest.raises(Refused, match="7 bytes of extra data"):
        verify_tlog_proof(proof, b"ballot two", BOARD.verifier_key, (), 0)


def test_a_tree_of_one_entry_needs_no_hash() -> None:
    head = Checkpoint("board.example/e1", 1, leaf_hash(b"only"))
    proof = parse_tlog_proof(format_tlog_proof(TlogProof(0, (), sign_checkpoint(head, BOARD))))
    assert verify_tlog_proof(proof, b"only", BOARD.verifier_key, (), 0).index == 0


HASH = b"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n"
START = b"c2sp.org/tlog-proof@v1\n"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "no empty line"),
        (START + b"index 3\n" + HASH, "no empty line"),
        (b"c2sp.org/tlog-proof@v2\nindex 3\n\n" + NOTE, "first line"),
        (START + b"\n" + NOTE, "no index line"),
        (START + b"index 03\n\n" + NOTE, "leading zeros"),
        (START + b"index -3\n\n" + NOTE, "leading zeros"),
        (START + b"index 3 \n\n" + NOTE, "leading zeros"),
        (START + b"index  3\n\n" + NOTE, "leading zeros"),
        (START + b"index 9223372036854775808\n\n" + NOTE, "2\\^63-1"),
        (START + b"index 3\nextra AAAA\n\n" + NOTE, "tlog-proof hash 0"),
        (START + b"extra \nindex 3\n\n" + NOTE, "extra line without data"),
        (START + b"extra AAB=\nindex 3\n\n" + NOTE, "tlog-proof extra"),
        (START + b"extra AAAA\nextra AAAA\nindex 3\n\n" + NOTE, "no index line"),
        (START + b"index 3\nindex 3\n\n" + NOTE, "tlog-proof hash 0"),
        (START + b"index 3\nAAAA\n\n" + NOTE, "3 bytes instead of 32"),
        (START + b"index 3\n" + HASH * 64 + b"\n" + NOTE, "64 hashes"),
        (START + b"index 3\r\n" + HASH + b"\n" + NOTE, "leading zeros"),
        (START + b"index \xb2\n\n" + NOTE, "not ASCII"),
        (START + b"index 3\n" + HASH + b"\n" + NOTE[:-1], "does not end in a newline"),
        (START + b"index 3\n" + HASH + b"\n" + b"text\n", "no signature lines"),
        (START + b"index 3\n" + HASH * 30_000 + b"\n" + NOTE, "more than 1000000"),
    ],
)
def test_a_receipt_has_one_form(raw: bytes, reason: str) -> None:
    with pytest.raises(Malformed, match=reason):
        parse_tlog_proof(raw)
