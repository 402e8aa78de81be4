"""Credentials: how registrars put voters' keys on the roll, as anyone checks it (docs/spec 5.6 and 5.7).

A credential is the sum of one part from each registrar: C = Σ c_r·G. All registrars together could vote for a voter;
all but one cannot, because each commits to its parts before any part is revealed, and a replacement's parts each
prove that their secret is known. How codes become secrets: `retally_crypto.secret.credentials`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from retally_crypto.engine import engine
from retally_crypto.relations import Template, compile_relation, tag

CREDENTIAL_PART: Final = """
Relation CredentialPart(P):
  Witness: c
  Equations:
    P = c*G
"""


class RollHasher(Protocol):
    """What `roll_commitment_hasher` returns: a SHA-256 that takes positions in order."""

    def update(self, positions: bytes, /) -> None: ...

    def digest(self) -> bytes: ...

    def copy(self) -> "RollHasher": ...


def combine_parts(parts: Sequence[bytes]) -> bytes:
    """C = Σ P_r for many positions at once: one buffer of 32·m bytes for each registrar, 32·m bytes back.

    A sum may be the identity (32 zero bytes): the caller refuses it.
    """
    total = parts[0]
    for more in parts[1:]:
        total = engine.add(total, more)
    return total


def roll_commitment_hasher(election_id: bytes, registrar: int, count: int) -> RollHasher:
    """The hash of 5.6 up to its positions: give it `roll_positions` of chunk after chunk."""
    return hashlib.sha256(
        b"RETALLY-V01-roll" + election_id + registrar.to_bytes(4, "little") + count.to_bytes(8, "little")
    )


def roll_positions(parts: bytes, styles: Sequence[int]) -> bytes:
    """part ‖ LE(style index, 4) for each position of a chunk."""
    if len(parts) != 32 * len(styles):
        raise ValueError(f"{len(parts)} bytes of parts for {len(styles)} styles")
    return b"".join(parts[32 * i : 32 * i + 32] + style.to_bytes(4, "little") for i, style in enumerate(styles))


def roll_commitment(election_id: bytes, registrar: int, parts: bytes, styles: Sequence[int]) -> bytes:
    """`commitment` of a registrar to its whole list (5.6), 32 bytes."""
    hasher = roll_commitment_hasher(election_id, registrar, len(styles))
    hasher.update(roll_positions(parts, styles))
    return hasher.digest()


def roll_commitments_digest(election_id: bytes, commitments: Sequence[bytes]) -> bytes:
    """`commitments` of every `roll` entry: over what all registrars committed to, in their order (5.6)."""
    return hashlib.sha256(b"RETALLY-V01-roll-commitments" + election_id + b"".join(commitments)).digest()


def opened_roll_digest(election_id: bytes, active: Iterable[tuple[bytes, int]], count: int) -> bytes:
    """`roll` in `opening` (5.6): over (credential, style index) of the `count` active ones in roll order,
    replacements last."""
    hasher = hashlib.sha256(b"RETALLY-V01-opened-roll" + election_id + count.to_bytes(8, "little"))
    seen = 0
    for credential, style in active:
        hasher.update(credential + style.to_bytes(4, "little"))
        seen += 1
    if seen != count:
        raise ValueError(f"{seen} active credentials, {count} announced")
    return hasher.digest()


def verify_part(part: bytes, proof: bytes, election_id: bytes, registrar: int, replaced: bytes) -> bool:
    """Whether the registrar (counted from 1) knows the secret of its part for the replacement of `replaced`."""
    template = part_relation()
    return engine.verify(template.header, part, part_tag(template, election_id, registrar, replaced), proof)


def part_relation() -> Template:
    """The relation CredentialPart (5.7)."""
    return compile_relation(CREDENTIAL_PART)


def part_tag(template: Template, election_id: bytes, registrar: int, replaced: bytes) -> bytes:
    """The tag of its proof: election id, registrar, replaced credential."""
    return tag(template.name, election_id, registrar.to_bytes(4, "little"), replaced)
