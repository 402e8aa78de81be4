"""What an operator could do to its own board: change an entry, then write every tile anew and sign the new tree.

Used to show that the verifier refuses it. The copy is made beside the original, which is left alone.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from retally_crypto.canonical import canonical_bytes, parse_canonical
from retally_crypto.checkpoints import Checkpoint, parse_checkpoint
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import records
from retally_crypto.errors import Unusable
from retally_crypto.merkle import leaf_hash
from retally_crypto.notes import parse_note
from retally_crypto.secret.sign import SigningKey, sign_checkpoint
from retally_crypto.tile_files import bundles_of, encode_bundle, tile_bytes, tiles_of
from retally_crypto.tiles import bundle_path, decode_bundle, tile_path
from retally_crypto.tree_proofs import hash_source


def read_entries(board: Path) -> list[bytes]:
    """All entries of a board folder, in order."""
    size = parse_checkpoint(parse_note((board / "checkpoint").read_bytes()).text).size
    entries: list[bytes] = []
    for bundle in bundles_of(size):
        entries += decode_bundle((board / bundle_path(bundle)).read_bytes(), bundle.width)
    return entries


def write_signed_board(folder: Path, entries: Sequence[bytes], key: SigningKey) -> None:
    """A complete board folder of these entries, with a checkpoint signed by `key`."""
    leaves = [leaf_hash(entry) for entry in entries]
    source = hash_source(leaves)
    for bundle in bundles_of(len(entries)):
        first = bundle.index * 256
        _write(folder / bundle_path(bundle), encode_bundle(entries[first : first + bundle.width]))
    for tile in tiles_of(len(entries)):
        _write(folder / tile_path(tile), tile_bytes(tile, source))
    checkpoint = Checkpoint(key.verifier_key.name, len(entries), records.merkle_root(b"".join(leaves)))
    _write(folder / "checkpoint", sign_checkpoint(checkpoint, key))


def altered_copy(board: Path, folder: Path, index: int, key: SigningKey) -> None:
    """A copy of a board in which the ballot at `index` has its first two ciphertexts exchanged: votes for one option
    become votes for another. Everything else is consistent: entry, tiles, root and signature. Raises Unusable if it is
    no ballot."""
    entries = read_entries(board)
    if b"\n" in entries[index]:
        raise Unusable(f"entry {index} is an official's and not a ballot")
    ballot = parse_canonical(entries[index])
    if not isinstance(ballot, dict):
        raise Unusable(f"entry {index} is not a ballot")
    pairs = b64url_decode(str(ballot["ciphertexts"]))
    ballot["ciphertexts"] = b64url_encode(pairs[64:128] + pairs[:64] + pairs[128:])
    entries[index] = canonical_bytes(ballot)
    if folder.exists():
        shutil.rmtree(folder)
    write_signed_board(folder, entries, key)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
