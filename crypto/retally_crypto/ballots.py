"""Ballots as anyone reads and verifies them (docs/spec page 6). How one is made: `retally_crypto.secret.encrypt`."""

from collections.abc import Sequence
from typing import Final

from retally_crypto.contests import StyleLayout
from retally_crypto.encoding import b64url_encode
from retally_crypto.engine import Form, engine, records
from retally_crypto.entries import Ballot
from retally_crypto.manifest import Manifest, layout
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_crypto.relations import tag

FIRST: Final = bytes(32)
"""`previous` of a credential's first ballot."""

READ: Final = ((0,), (1,), (2,), (3,), (-1,))
"""Every value and the digest in a buffer of its own."""


def ballot_form(style: str, shape: StyleLayout, election: bytes, buffers: Sequence[Sequence[int]]) -> Form:
    """The one way to write a ballot of a style (6.4): canonical JSON whose every member has a fixed length.

    Values are ciphertexts 0, credential 1, `previous` 2, proof 3; the digest, -1, is H(body).
    """
    pieces: tuple[bytes | int, ...] = (
        b'{"ciphertexts":"',
        shape.ciphertexts_length,
        b'","credential":"',
        32,
        f'","election":"{b64url_encode(election)}","kind":"ballot","previous":"'.encode(),
        32,
        b'"',
        b',"proof":"',
        shape.proof_length,
        b'"',
        f',"style":"{style}"}}'.encode(),
    )
    return pieces, (7, 10), buffers


def read_ballots(
    entries: Sequence[bytes], forms: Sequence[Form], styles: Sequence[str], election: bytes
) -> list[Ballot | None]:
    """The ballots among some entries, read in bulk: what `parse_entry` and `check_ballot_shape` say of each, and None
    for whatever they refuse. `forms` are those of `styles`, with the buffers READ."""
    # What is too long for an entry is no ballot, and has no place in a bundle.
    sound = (raw if len(raw) <= MAX_ENTRY_BYTES else b"" for raw in entries)
    bundle = b"".join(len(raw).to_bytes(2, "big") + raw for raw in sound)
    read: list[Ballot | None] = [None] * len(entries)
    for style, (places, buffers) in zip(styles, records.read_forms([bundle], forms), strict=True):
        for row, place in enumerate(places):
            ciphertexts, credential, previous, proof, body_hash = (
                buffer[row * width : (row + 1) * width]
                for buffer, width in ((buffer, len(buffer) // len(places)) for buffer in buffers)
            )
            read[place] = Ballot(ciphertexts, credential, election, previous, proof, style, entries[place], body_hash)
    return read


def ballot_statement(ballot: Ballot, election_id: bytes, key: bytes) -> tuple[bytes, bytes]:
    """What a ballot's proof is about: the elements K, C, A_1, B_1, … and the tag."""
    return key + ballot.credential + ballot.ciphertexts, tag("Ballot", election_id, ballot.body_hash)


def verify_ballots(ballots: Sequence[Ballot], manifest: Manifest, election_id: bytes, key: bytes) -> list[int]:
    """V10 for many ballots at once: ascending positions of those whose proof does not hold.

    A ballot of an unknown style, of wrong lengths or with badly encoded points is among them. Ballots whose styles
    have the same shape share one batch.
    """
    shapes: dict[str, StyleLayout | None] = {}
    culprits: list[int] = []
    batches: dict[StyleLayout, list[int]] = {}
    for position, ballot in enumerate(ballots):
        if ballot.style not in shapes:
            style_index = manifest.style_index(ballot.style)
            shapes[ballot.style] = None if style_index is None else layout(manifest, style_index)
        shape = shapes[ballot.style]
        if shape is None or not _fits(ballot, shape):
            culprits.append(position)
        else:
            batches.setdefault(shape, []).append(position)
    for shape, positions in batches.items():
        batch = [ballots[position] for position in positions]
        rejected = engine.verify_batch(
            shape.template.header,
            key,
            b"".join(ballot.credential + ballot.ciphertexts for ballot in batch),
            b"".join(tag("Ballot", election_id, ballot.body_hash) for ballot in batch),
            b"".join(ballot.proof for ballot in batch),
            len(batch),
        )
        culprits += [positions[i] for i in rejected]
    return sorted(culprits)


def _fits(ballot: Ballot, shape: StyleLayout) -> bool:
    return len(ballot.ciphertexts) == shape.ciphertexts_length and len(ballot.proof) == shape.proof_length
