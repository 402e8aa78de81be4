"""A prover without scruples: ballots that encrypt anything, proofs of what is false, challenges that leave parts out.

The equations are read from the compiled relation, so that a forgery is about exactly the statement that verifiers
check. Nothing here is constant time or careful; nobody votes with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from retally_crypto.canonical import Json, canonical_bytes
from retally_crypto.contests import StyleLayout
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.engine import engine
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.manifest import layout
from retally_crypto.relations import Template
from retally_crypto.relations import tag as relation_tag
from retally_lab.attacks.tampering import GENERATOR, ORDER
from retally_lab.boards.election import Election, members_of
from retally_reference.fiat_shamir import DuplexSponge, derive_session_id
from retally_reference.group import RISTRETTO255
from retally_reference.linear_relation import Equation, map_row, parse_header

Challenge = Callable[[bytes], int]
"""From a serialised commitment to the challenge."""


def scalar(value: int) -> bytes:
    return (value % ORDER).to_bytes(32, "little")


def random_scalar() -> int:
    return 1 + secrets.randbelow(ORDER - 1)


def point(value: int) -> bytes:
    """value·G."""
    return engine.multiply_base(scalar(value))


def joint_key(election: Election) -> bytes:
    """K, from the opening on the board."""
    return b64url_decode(members_of(election.entries[election.index_of("opening")])["key"])


@dataclass(frozen=True)
class Forgery:
    """A ballot's statement with a witness that need not satisfy it: everything a proof is made from."""

    election: Election
    shape: StyleLayout
    body: bytes
    key: bytes
    credential: bytes
    ciphertexts: bytes
    witness: tuple[int, ...]

    @property
    def template(self) -> Template:
        return self.shape.template

    @property
    def equations(self) -> tuple[Equation, ...]:
        return parse_header(RISTRETTO255, self.template.header)[0]

    @property
    def elements(self) -> list[bytes]:
        """G, K, C, A_1, B_1, …"""
        joined = self.key + self.credential + self.ciphertexts
        return [GENERATOR, *(joined[at : at + 32] for at in range(0, len(joined), 32))]

    @property
    def encoded_ciphertexts(self) -> bytes:
        """The ciphertexts as they stand in the body."""
        return b64url_encode(self.ciphertexts).encode()

    def parts(self) -> dict[str, bytes]:
        """What the sponge absorbs after the session id, part by part, in order; the commitment comes last."""
        names = ["K", "C"] + [f"{half}_{bit}" for bit in range(1, self.shape.n_bits + 1) for half in "AB"]
        return {"header": self.template.header, **dict(zip(names, self.elements[1:], strict=True))}

    def challenge(self, omit: str | None = None) -> Challenge:
        """The Fiat-Shamir challenge, or that of a prover and a verifier that both leave out the part `omit`."""
        digest = sha256(self.body).digest()
        fields = {"election id": self.election.election_id, "body hash": digest}
        tag = relation_tag("Ballot", *(field for name, field in fields.items() if name != omit))
        session = bytes(32) if omit == "tag" else derive_session_id(tag)
        parts = [content for name, content in self.parts().items() if name != omit]

        def challenge(commitment: bytes) -> int:
            sponge = DuplexSponge(session)
            for part in parts:
                sponge.absorb(part)
            if omit != "commitment":
                sponge.absorb(commitment)
            return int.from_bytes(sponge.squeeze(48), "little") % ORDER

        return challenge

    def proof(self, challenge: Challenge | None = None) -> bytes:
        """The prover of the draft run on the witness as it is, right or wrong."""
        challenge = challenge or self.challenge()
        nonces = [random_scalar() for _ in self.witness]
        commitment = b"".join(self._evaluate(map_row(equation, nonces, ORDER)) for equation in self.equations)
        c = challenge(commitment)
        responses = (nonce + c * secret for nonce, secret in zip(nonces, self.witness, strict=True))
        return commitment + b"".join(map(scalar, responses))

    def simulated_proof(self, challenge: Challenge) -> bytes:
        """Responses first, then the commitment that fits them: a proof of anything, if the challenge allows it."""
        c = challenge(b"")
        responses = [random_scalar() for _ in self.witness]
        commitment = b"".join(self._evaluate(self._difference(one, responses, c)) for one in self.equations)
        return commitment + b"".join(map(scalar, responses))

    def accepted_by(self, proof: bytes, challenge: Challenge) -> bool:
        """Whether a verifier that computes its challenge so would accept: equation by equation."""
        boundary = 32 * self.template.equations
        responses = [int.from_bytes(proof[at : at + 32], "little") for at in range(boundary, len(proof), 32)]
        c = challenge(proof[:boundary])
        return all(
            self._evaluate(self._difference(equation, responses, c)) == proof[32 * at : 32 * at + 32]
            for at, equation in enumerate(self.equations)
        )

    def entry(self, proof: bytes | None = None) -> bytes:
        return ballot_entry(self.body, self.proof() if proof is None else proof)

    def _difference(self, equation: Equation, responses: Sequence[int], challenge: int) -> Mapping[int, int]:
        row = dict(map_row(equation, responses, ORDER))
        for element, coefficient in equation.image:
            row[element] = (row.get(element, 0) - challenge * coefficient) % ORDER
        return row

    def _evaluate(self, row: Mapping[int, int]) -> bytes:
        elements = self.elements
        scalars = b"".join(map(scalar, row.values()))
        return engine.multi_scalar_multiply(scalars, b"".join(elements[index] for index in row))


def forge(
    election: Election,
    name: str,
    bits: Sequence[int],
    *,
    nonces: Sequence[int] | None = None,
    previous: bytes | None = None,
    style: str | None = None,
) -> Forgery:
    """A ballot of voter `name` that encrypts `bits`, any integers, with any nonces.

    The witness is the one that comes nearest: s = (1 - b)·r. It satisfies every equation if all bits are 0 or 1 and the
    sums are right.
    """
    voter, manifest, key = election.voters[name], election.manifest, joint_key(election)
    style = style or voter.style
    shape = layout(manifest, manifest.style_index(style) or 0)
    nonces = nonces or [random_scalar() for _ in bits]
    ciphertexts = b""
    witness = [int.from_bytes(voter.secret, "little")]
    for bit, nonce in zip(bits, nonces, strict=True):
        masked = engine.multiply(scalar(nonce), key)
        ciphertexts += point(nonce) + (engine.add(point(bit), masked) if bit % ORDER else masked)
        witness += [bit % ORDER, nonce, (1 - bit) * nonce % ORDER]
    body: dict[str, Json] = {
        "ciphertexts": b64url_encode(ciphertexts),
        "credential": b64url_encode(voter.credential),
        "election": b64url_encode(election.election_id),
        "kind": "ballot",
        "previous": b64url_encode(election.last_ballot(name) if previous is None else previous),
        "style": style,
    }
    return Forgery(election, shape, canonical_bytes(body), key, voter.credential, ciphertexts, tuple(witness))
