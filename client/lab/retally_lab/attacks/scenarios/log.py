"""V01 and V02: checkpoints that prove nothing, and boards that are not what was signed, kept or receipted before."""

from __future__ import annotations

from dataclasses import replace

from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.encoding import b64_encode
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import NoteSignature, format_signature_lines, parse_note
from retally_crypto.receipts import format_tlog_proof
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint
from retally_crypto.tlog_proof import TlogProof
from retally_crypto.tree_proofs import hash_source, inclusion_proof
from retally_lab.attacks.tampering import Tampered, at_polls, attack, finish, honest, publish, witnessed
from retally_lab.boards.election import CLOSES, ORIGIN, Election, signing_key
from retally_lab.boards.files import checkpoint


def hashes_of(election: Election, size: int | None = None) -> list[bytes]:
    return [leaf_hash(raw) for raw in election.entries[:size]]


def signed_head(election: Election, size: int | None = None) -> bytes:
    """The checkpoint that the board signed when it had `size` entries."""
    return checkpoint(hashes_of(election, size), election.board, (), CLOSES)


def receipt(election: Election, index: int, size: int | None = None) -> bytes:
    """The receipt a voter got for the entry at `index`, on the board of `size` entries."""
    hashes = hashes_of(election, size)
    proof = inclusion_proof(index, len(hashes), hash_source(hashes))
    return format_tlog_proof(TlogProof(index, proof, signed_head(election, size)))


def signed_text(election: Election, text: bytes) -> bytes:
    """Any checkpoint text under the board's signature."""
    key = election.board.verifier_key
    return text + b"\n" + format_signature_lines([NoteSignature(key.name, key.key_id, election.board.sign(text))])


def under(election: Election, content: bytes) -> Tampered:
    """The election's board under another checkpoint."""
    return Tampered.board(election).with_file("checkpoint", content)


# ---- V01 ----


@attack("V01")
def a_checkpoint_signed_by_another_key_of_the_boards_name() -> Tampered:
    election = honest()
    impostor = SigningKey.from_seed(ORIGIN, bytes(32))
    return under(election, checkpoint(hashes_of(election), impostor, (), CLOSES))


@attack("V01")
def a_checkpoint_of_another_origin() -> Tampered:
    election = honest()
    root = b64_encode(election.record().root)
    return under(election, signed_text(election, f"board.example/2028\n{len(election.entries)}\n{root}\n".encode()))


@attack("V01")
def a_checkpoint_altered_under_its_signature() -> Tampered:
    election = honest()
    raw = election.files()["checkpoint"]
    return under(election, raw.replace(f"\n{len(election.entries)}\n".encode(), b"\n9\n", 1))


@attack("V01")
def a_checkpoint_with_an_extension_line() -> Tampered:
    election = honest()
    text = parse_note(election.files()["checkpoint"]).text
    return under(election, signed_text(election, text + b"to be counted later\n"))


@attack("V01")
def a_checkpoint_that_writes_its_size_in_another_way() -> Tampered:
    election = honest()
    text = parse_note(election.files()["checkpoint"]).text
    return under(election, signed_text(election, text.replace(b"\n", b"\n0", 1)))


@attack("V01")
def a_checkpoint_that_the_board_signs_twice() -> Tampered:
    election = honest()
    raw = election.files()["checkpoint"]
    return under(election, raw + raw.splitlines(keepends=True)[-1])


@attack("V01")
def a_checkpoint_that_only_witnesses_signed() -> Tampered:
    election = witnessed()
    lines = election.files()["checkpoint"].splitlines(keepends=True)
    mine = f" {election.board.verifier_key.name} ".encode()
    return under(election, b"".join(line for line in lines if mine not in line))


@attack("V01")
def a_checkpoint_without_the_quorum_of_witnesses() -> Tampered:
    election = witnessed()
    return under(election, checkpoint(hashes_of(election), election.board, election.witnesses[:1], CLOSES))


@attack("V01")
def a_witness_counted_twice() -> Tampered:
    election = witnessed()
    one = election.witnesses[0]
    raw = checkpoint(hashes_of(election), election.board, [one], CLOSES)
    return under(election, add_cosignatures(raw, cosign(parse_note(raw).text, one, CLOSES + 1)))


@attack("V01")
def a_witness_counted_again_under_another_name() -> Tampered:
    election = witnessed()
    one = election.witnesses[0]
    raw = checkpoint(hashes_of(election), election.board, [one], CLOSES)
    blob = parse_note(raw).signatures[-1].signature
    other = election.witnesses[1].verifier_key
    return under(election, raw + format_signature_lines([NoteSignature(other.name, other.key_id, blob)]))


@attack("V01")
def a_cosignature_of_an_earlier_checkpoint() -> Tampered:
    election = witnessed()
    earlier = checkpoint(hashes_of(election, 5), election.board, election.witnesses, CLOSES)
    lines = b"".join(earlier.splitlines(keepends=True)[-len(election.witnesses) :])
    return under(election, signed_head(election) + lines)


# ---- V02: the files of one board ----


def _tile(election: Election) -> str:
    return f"tile/0/000.p/{len(election.entries)}"


def _bundle(election: Election) -> str:
    return f"tile/entries/000.p/{len(election.entries)}"


@attack("V02")
def an_entry_exchanged_under_its_tile() -> Tampered:
    election, other = honest(), honest()
    at = other.index_of("ballot")
    other.entries[at] = other.entries[at + 1]
    path = _bundle(election)
    return replace(Tampered.board(election).with_file(path, other.files()[path]), names=(f"entry {at} does not hash",))


@attack("V02")
def a_tile_that_differs_from_its_bundle() -> Tampered:
    election = honest()
    path = _tile(election)
    tile = bytearray(election.files()[path])
    tile[32 * 7] ^= 1
    return replace(Tampered.board(election).with_file(path, bytes(tile)), names=("entry 7 does not hash",))


@attack("V02")
def bundle_and_tile_exchanged_under_the_checkpoint() -> Tampered:
    election, other = honest(), honest()
    at = other.index_of("ballot")
    other.entries[at] = other.entries[at + 1]
    return Tampered.board(other).with_file("checkpoint", election.files()["checkpoint"])


@attack("V02")
def entries_in_another_order_than_the_checkpoints() -> Tampered:
    election, other = honest(), honest()
    first, second = other.indices_of("ballot")[:2]
    other.entries[first], other.entries[second] = other.entries[second], other.entries[first]
    return Tampered.board(other).with_file("checkpoint", election.files()["checkpoint"])


@attack("V02")
def a_bundle_with_something_behind_its_entries() -> Tampered:
    election = honest()
    path = _bundle(election)
    return Tampered.board(election).with_file(path, election.files()[path] + b"\0\1x")


@attack("V02")
def a_bundle_that_ends_inside_an_entry() -> Tampered:
    election = honest()
    path = _bundle(election)
    return Tampered.board(election).with_file(path, election.files()[path][:-1])


@attack("V02", "incomplete")
def a_board_without_its_last_bundle() -> Tampered:
    election = honest()
    return Tampered.board(election).with_file(_bundle(election), None)


@attack("V02", "incomplete")
def a_board_without_a_tile() -> Tampered:
    election = honest()
    return Tampered.board(election).with_file(_tile(election), None)


@attack("V02", "incomplete")
def a_checkpoint_for_more_entries_than_are_served() -> Tampered:
    election = honest()
    root = b64_encode(election.record().root)
    return under(election, signed_text(election, f"{ORIGIN}\n{2**62}\n{root}\n".encode()))


# ---- V02: what was kept, what was receipted ----


@attack("V02")
def a_ballot_dropped_after_its_receipt() -> Tampered:
    election = at_polls()
    at = election.cast("south-2", [[0, 1]])
    held = receipt(election, at)
    del election.entries[at]
    return replace(Tampered.board(finish(election)), receipts=(held,), names=("receipt 1: ",))


@attack("V02")
def a_ballot_exchanged_after_its_receipt() -> Tampered:
    election = at_polls()
    at = election.cast("south-2", [[0, 1]])
    held = receipt(election, at)
    election.entries[at] = at_polls().ballot("south-2", [[1, 0]])
    return replace(Tampered.board(finish(election)), receipts=(held,), names=("receipt 1: ",))


@attack("V02")
def a_board_forked_after_a_kept_checkpoint() -> Tampered:
    shown, served = at_polls(), at_polls()
    shown.cast("south-2", [[0, 1]])
    served.cast("south-2", [[1, 0]])
    return replace(Tampered.board(finish(served)), kept=(signed_head(shown),), names=("kept checkpoint 1: ",))


@attack("V02")
def a_board_rolled_back_below_a_kept_checkpoint() -> Tampered:
    election = honest()
    kept = signed_head(election)
    return replace(Tampered.board(honest().before("result")), kept=(kept,), names=("kept checkpoint 1: ",))


@attack("V02")
def a_board_rewritten_from_its_first_ballot_on() -> Tampered:
    election = honest()
    kept = tuple(signed_head(election, size) for size in (election.index_of("ballot"), len(election.entries)))
    rewritten = election.before("ballot")
    rewritten.cast("north-1", [[0, 1], [0]])
    rewritten.cast("north-2", [[0, 1], [0]])
    rewritten.cast("south-1", [[0, 1]])
    rewritten.cast("south-2", [[0, 1]])
    rewritten.close()
    rewritten.paper("north", "mayor", [10, 20])
    return replace(Tampered.board(publish(rewritten)), kept=kept, names=("kept checkpoint 2: ",))


@attack("V02")
def a_second_election_under_one_origin() -> Tampered:
    election = honest()
    other = Election.create(title="The same board again")
    return replace(Tampered.board(election), kept=(signed_head(other),), names=("kept checkpoint 1: ",))


def another_boards_checkpoint() -> bytes:
    """A checkpoint that is nobody's evidence against this board: another key signed it."""
    other = signing_key("elsewhere.example/1")
    return sign_checkpoint(Checkpoint("elsewhere.example/1", 3, bytes(32)), other)


def unsigned_checkpoint(election: Election) -> bytes:
    """The board's own text under a signature of nobody."""
    head = Checkpoint(ORIGIN, 3, bytes(32))
    key = election.board.verifier_key
    return format_checkpoint(head) + b"\n" + format_signature_lines([NoteSignature(key.name, key.key_id, bytes(64))])
