"""The bytes of a board: entries signed by whoever one likes, and the files of page 3.1 for any list of entries.

An official's entry is made from JSON members and not from the models of `retally_crypto.entries`, so that it can say
anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from retally_crypto.canonical import canonical_bytes
from retally_crypto.checkpoints import Checkpoint, add_cosignatures, format_checkpoint
from retally_crypto.encoding import b64url_encode
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.notes import ED25519
from retally_crypto.secret.sign import SigningKey, cosign, sign_checkpoint, sign_note
from retally_crypto.tile_files import bundles_of, encode_bundle, tile_bytes, tiles_of
from retally_crypto.tiles import bundle_path, tile_path
from retally_crypto.tree_proofs import hash_source

OPENS, CLOSES, GRACE = 1_800_000_000, 1_800_086_400, 3_600

Members = dict[str, Any]


def binary(value: Any) -> Any:
    """The JSON form of a value that may hold byte strings."""
    if isinstance(value, (bytes, bytearray)):
        return b64url_encode(bytes(value))
    if isinstance(value, Mapping):
        return {name: binary(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [binary(member) for member in value]
    return value


def sign(members: Mapping[str, Any], signers: Sequence[SigningKey]) -> bytes:
    """An official's entry with any members, right or wrong."""
    return sign_note(canonical_bytes(binary(members)) + b"\n", signers)


def members_of(entry: bytes) -> Members:
    """The JSON members of an entry; binary members stay base64url."""
    members: Members = json.loads(entry.split(b"\n", 1)[0])
    return members


def body_hash(ballot_entry: bytes) -> bytes:
    """H(body) of a ballot entry."""
    members = members_of(ballot_entry)
    del members["proof"]
    return sha256(canonical_bytes(members)).digest()


def signing_key(name: str, algorithm: int = ED25519) -> SigningKey:
    """A key that is the same in every run."""
    return SigningKey.from_seed(name, sha256(name.encode()).digest(), algorithm)


def write_board(
    entries: Sequence[bytes],
    board_key: SigningKey,
    witnesses: Sequence[SigningKey] = (),
    opening_time: int = OPENS,
    closing_time: int = CLOSES,
) -> dict[str, bytes]:
    """The files of page 3.1 for a list of entries: path to content.

    With witnesses, `checkpoint.opening` and `checkpoint.closing` are the checkpoints that end with the first entry
    of these kinds, cosigned by all of them at the times given; the newest checkpoint is cosigned at the later of
    them.
    """
    hashes = [leaf_hash(raw) for raw in entries]
    source = hash_source(hashes)
    files = {bundle_path(b): encode_bundle(entries[256 * b.index :][: b.width]) for b in bundles_of(len(entries))}
    files |= {tile_path(tile): tile_bytes(tile, source) for tile in tiles_of(len(entries))}
    files["checkpoint"] = checkpoint(hashes, board_key, witnesses, closing_time)
    for kind, time in (("opening", opening_time), ("closing", closing_time)):
        quoted = f'"kind":"{kind}"'.encode()
        at = next((i for i, raw in enumerate(entries) if b"\n" in raw and quoted in raw.split(b"\n", 1)[0]), None)
        if witnesses and at is not None:
            files[f"checkpoint.{kind}"] = checkpoint(hashes[: at + 1], board_key, witnesses, time)
    return files


def checkpoint(
    leaf_hashes: Sequence[bytes], board_key: SigningKey, witnesses: Sequence[SigningKey], time: int
) -> bytes:
    """A checkpoint over these leaf hashes, signed by the board and cosigned by the witnesses at `time`."""
    tree = Frontier()
    for one in leaf_hashes:
        tree.append(one)
    head = Checkpoint(board_key.verifier_key.name, len(leaf_hashes), tree.root())
    raw = sign_checkpoint(head, board_key)
    for witness in witnesses:
        raw = add_cosignatures(raw, cosign(format_checkpoint(head), witness, time))
    return raw
