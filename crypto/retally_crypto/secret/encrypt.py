"""Encrypting choices, then either opening the ballot as a test or proving it as a vote (docs/spec page 6).

Encryption is a function of a fresh 32-byte seed, so that a second device can redo it: the client shows the tracking
code, and only then does the voter choose. *Test* reveals body, seed and choices, and a tested ballot is never proved.
*Cast* makes the one proof that is also the voter's signature, and the seed is destroyed. Whoever holds the seed of a
cast ballot knows the vote.

Nothing here prints a seed, a nonce, a choice or a credential's secret: not in a text form, not in an exception.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from retally_crypto.canonical import Json, canonical_bytes, parse_canonical
from retally_crypto.contests import StyleLayout
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import engine
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.errors import BadProof, Malformed, Refused, Unusable
from retally_crypto.manifest import Manifest, layout
from retally_crypto.relations import ORDER, tag
from retally_crypto.tracking import tracking_code

SEED_LENGTH: Final = 32
_OPENING_KIND: Final = "retally-opening"


@dataclass(frozen=True, eq=False)
class SealedBallot:
    """An encrypted ballot with what it takes to open it or to prove it: a secret until it is cast, and one after.

    Public are `election_id`, `key`, `style`, `credential`, `previous`, `ciphertexts`, `body` and `body_hash`.
    """

    election_id: bytes
    key: bytes
    style: str
    layout: StyleLayout = field(repr=False)
    credential: bytes
    previous: bytes
    ciphertexts: bytes = field(repr=False)
    body: bytes = field(repr=False)
    body_hash: bytes
    choices: tuple[tuple[int, ...], ...] = field(repr=False)
    bits: tuple[int, ...] = field(repr=False)
    nonces: tuple[bytes, ...] = field(repr=False)
    seed: bytes = field(repr=False)

    @property
    def tracking_code(self) -> str:
        """The code to show before the voter chooses between test and cast."""
        return tracking_code(self.body_hash)

    def opening(self) -> bytes:
        """The text that reveals this ballot to a second device (6.8). Only for a test: it tells the vote to anyone."""
        choices: list[Json] = [list(choice) for choice in self.choices]
        return canonical_bytes(
            {
                "ballot": b64url_encode(self.body),
                "choices": choices,
                "kind": _OPENING_KIND,
                "seed": b64url_encode(self.seed),
            }
        )


@dataclass(frozen=True)
class OpenedBallot:
    """A tested ballot that holds what it says: these choices, by contest and option, are what the ciphertexts
    encrypt."""

    style: str
    credential: bytes
    previous: bytes
    choices: tuple[tuple[int, ...], ...]
    body: bytes = field(repr=False)
    body_hash: bytes

    @property
    def tracking_code(self) -> str:
        return tracking_code(self.body_hash)


def encrypt(
    manifest: Manifest,
    election_id: bytes,
    key: bytes,
    style_index: int,
    credential: bytes,
    previous: bytes,
    choices: Sequence[Sequence[int]],
    seed: bytes,
) -> SealedBallot:
    """Encrypt one integer per option for every contest of the style (6.1 to 6.4).

    `key` is K; `previous` is the hash of the credential's last accepted ballot, or `FIRST`; `seed` is 32 bytes fresh
    from the operating system for every call. Raises Refused for choices outside the limits, and Unusable (draw a new
    seed) in the negligible case that a nonce, a ciphertext or a sum vanishes.
    """
    if len(seed) != SEED_LENGTH:
        raise ValueError(f"a seed has {SEED_LENGTH} bytes, not {len(seed)}")
    style = manifest.styles[style_index]
    shape = layout(manifest, style_index)
    bits = _bits(style.contests, shape, choices)
    context = b"RETALLY-V01-nonce" + seed + election_id + credential + previous + style_index.to_bytes(4, "little")
    nonces = _nonces(shape, context)

    joined = b"".join(nonces)
    a = engine.multiply_base(joined)
    b = engine.add(engine.multiply_base(_scalars(bits)), engine.multiply_fixed(key, joined))
    ciphertexts = b"".join(a[i : i + 32] + b[i : i + 32] for i in range(0, len(a), 32))
    if engine.invalid_points(ciphertexts) or _a_sum_vanishes(shape, nonces):
        raise Unusable("this seed gives a ballot that cannot be proved; draw a new one")

    body = canonical_bytes(_body(election_id, style.id, credential, previous, ciphertexts))
    chosen = tuple(tuple(choice) for choice in choices)
    digest = hashlib.sha256(body).digest()
    return SealedBallot(
        election_id, key, style.id, shape, credential, previous, ciphertexts, body, digest, chosen, bits, nonces, seed
    )


def prove_ballot(sealed: SealedBallot, credential_secret: bytes) -> bytes:
    """Cast: the ballot entry, body and proof (6.5). Never for a ballot whose opening was shown to anyone.

    Raises Refused when the secret is not the credential's; nothing is proved then.
    """
    if engine.multiply_base(credential_secret) != sealed.credential:
        raise Refused("this secret is not the one of the ballot's credential")
    shape = sealed.layout
    bits = [bit.to_bytes(32, "little") for bit in sealed.bits]
    witness = bytearray(credential_secret)
    known: list[tuple[int, list[tuple[int, bytes]]]] = []
    # Element 0 is G, 1 is K, 2 is C, then A_1, B_1, A_2, …
    for i, (bit, nonce) in enumerate(zip(bits, sealed.nonces, strict=True)):
        witness += bit + nonce + _second_nonce(sealed.bits[i], nonce)
        known += [(3 + 2 * i, [(0, nonce)]), (4 + 2 * i, [(0, bit), (1, nonce)])]
    elements = sealed.key + sealed.credential + sealed.ciphertexts
    template = shape.template
    proof_tag = tag(template.name, sealed.election_id, sealed.body_hash)
    proof = engine.prove(template.header, elements, proof_tag, bytes(witness), known)
    return ballot_entry(sealed.body, proof)


def open_ballot(opening: bytes, manifest: Manifest, election_id: bytes, key: bytes) -> OpenedBallot:
    """Redo the encryption of a tested ballot and compare (6.8).

    Raises Malformed when `opening` is not the text form of an opening, BadProof, naming what differs, when the ballot
    does not encrypt these choices under this seed in this election.
    """
    body, choices, seed = _parse_opening(opening)
    members = parse_canonical(body)
    if not isinstance(members, dict) or members.get("kind") != "ballot":
        raise Malformed("the opening's ballot is no ballot")
    if members.get("election") != b64url_encode(election_id):
        raise BadProof("the opened ballot belongs to another election")
    style_index = manifest.style_index(_text(members, "style"))
    if style_index is None:
        raise BadProof("the opened ballot names a style that the manifest does not have")
    credential = _binary(members, "credential", 32)
    previous = _binary(members, "previous", 32)
    try:
        again = encrypt(manifest, election_id, key, style_index, credential, previous, choices, seed)
    except (Refused, Unusable) as problem:
        raise BadProof(f"the opening's choices make no ballot: {problem}") from None
    if again.body != body:
        raise BadProof(_difference(again, _binary(members, "ciphertexts", again.layout.ciphertexts_length), manifest))
    return OpenedBallot(again.style, credential, previous, again.choices, body, again.body_hash)


def _bits(contest_ids: Sequence[str], shape: StyleLayout, choices: Sequence[Sequence[int]]) -> tuple[int, ...]:
    if len(choices) != len(shape.contests):
        raise Refused(f"choices for {len(choices)} contests, the style has {len(shape.contests)}")
    bits: list[int] = []
    for contest_id, contest, choice in zip(contest_ids, shape.contests, choices, strict=True):
        try:
            bits += contest.bits_of(choice)
        except Refused as problem:
            raise Refused(f"contest {contest_id}: {problem}") from None
    return tuple(bits)


def _nonces(shape: StyleLayout, context: bytes) -> tuple[bytes, ...]:
    wide = b"".join(
        hashlib.shake_256(context + contest.to_bytes(4, "little") + bit.to_bytes(4, "little")).digest(64)
        for contest, contest_layout in enumerate(shape.contests)
        for bit in range(contest_layout.n_bits)
    )
    reduced = engine.scalar_reduce(wide)
    return tuple(reduced[i : i + 32] for i in range(0, len(reduced), 32))


def _a_sum_vanishes(shape: StyleLayout, nonces: Sequence[bytes]) -> bool:
    """Whether the image of a contest's last equation, (Σ w·r)·K, is the identity."""
    for contest in shape.contests:
        if contest.limits:
            own = nonces[contest.first : contest.first + contest.n_bits]
            total = sum(w * int.from_bytes(r, "little") for w, r in zip(contest.weights, own, strict=True))
            if total % ORDER == 0:
                return True
    return False


def _second_nonce(bit: int, nonce: bytes) -> bytes:
    """s = (1 - b)·r."""
    return ((1 - bit) * int.from_bytes(nonce, "little")).to_bytes(32, "little")


def _scalars(bits: Sequence[int]) -> bytes:
    return b"".join(bit.to_bytes(32, "little") for bit in bits)


def _body(election_id: bytes, style: str, credential: bytes, previous: bytes, ciphertexts: bytes) -> dict[str, Json]:
    return {
        "ciphertexts": b64url_encode(ciphertexts),
        "credential": b64url_encode(credential),
        "election": b64url_encode(election_id),
        "kind": "ballot",
        "previous": b64url_encode(previous),
        "style": style,
    }


def _parse_opening(opening: bytes) -> tuple[bytes, list[list[int]], bytes]:
    members = parse_canonical(opening)
    if not isinstance(members, dict) or set(members) != {"ballot", "choices", "kind", "seed"}:
        raise Malformed("an opening has exactly the members ballot, choices, kind and seed")
    if members["kind"] != _OPENING_KIND:
        raise Malformed(f"an opening's kind is {_OPENING_KIND}")
    choices = members["choices"]
    if not isinstance(choices, list) or not all(_is_choice(choice) for choice in choices):
        raise Malformed("an opening's choices are lists of integers")
    body = b64url_decode(_text(members, "ballot"), what="the opening's ballot")
    return body, cast(list[list[int]], choices), _binary(members, "seed", SEED_LENGTH)


def _is_choice(choice: Json) -> bool:
    return isinstance(choice, list) and all(type(value) is int for value in choice)


def _text(members: dict[str, Json], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise Malformed(f"the opening's {name} is not a text")
    return value


def _binary(members: dict[str, Json], name: str, length: int) -> bytes:
    return b64url_decode(_text(members, name), length, f"the opening's {name}")


def _difference(again: SealedBallot, ciphertexts: bytes, manifest: Manifest) -> str:
    """Which part of an opened ballot is not what its seed and choices give."""
    if ciphertexts == again.ciphertexts:
        return "the opened ballot's body is not the one its own members give"
    bit = next(i for i in range(again.layout.n_bits) if ciphertexts[64 * i :][:64] != again.ciphertexts[64 * i :][:64])
    style = manifest.styles[manifest.style_index(again.style) or 0]
    for contest_id, contest in zip(style.contests, again.layout.contests, strict=True):
        if bit < contest.first + contest.n_bits:
            return f"bit {bit + 1} of the opened ballot, in contest {contest_id}, does not encrypt the opening's choice"
    raise AssertionError("a bit outside every contest")
