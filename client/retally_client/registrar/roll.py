"""A registrar's entries on the roll: commit to all parts, then, when every registrar has committed, reveal them
(docs/spec 5.6, check V08).

Nothing is revealed before all have committed: who speaks last could otherwise choose its parts so that it alone knows
the secret of the sum.
"""

from __future__ import annotations

from collections.abc import Sequence

from retally_client.mistakes import require_key
from retally_crypto.credentials import roll_commitment, roll_commitments_digest
from retally_crypto.entries import LARGEST_CHUNK, Roll, RollCommitment
from retally_crypto.errors import Refused
from retally_crypto.manifest import Manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.credentials import part_secret, public_part
from retally_crypto.secret.sign import SigningKey, sign_entry


def registrar_number(manifest: Manifest, key: SigningKey) -> int:
    """Which registrar this key is, counted from 1. Raises Refused if it is none of the manifest's."""
    for number, known in enumerate(manifest.registrars, start=1):
        if known == key.verifier_key:
            return number
        if known.name == key.verifier_key.name:
            require_key(known, key, f"registrar {number}")
    names = ", ".join(known.name for known in manifest.registrars)
    raise Refused(f"{key.verifier_key.name} is no registrar of this election: the manifest names {names}")


def roll_parts(codes: Sequence[bytes], election_id: bytes, registrar: int) -> bytes:
    """P_r for every code (15 bytes each) in roll order, 32 bytes each, one after the other."""
    return public_part(b"".join(part_secret(code, election_id, registrar) for code in codes))


def roll_commitment_entry(
    parts: bytes, styles: Sequence[int], registrar: int, election_id: bytes, key: SigningKey
) -> bytes:
    """`roll-commitment` to parts (32 bytes a position) and style indices in roll order."""
    content = RollCommitment(
        election=election_id,
        registrar=registrar,
        credentials=len(styles),
        commitment=roll_commitment(election_id, registrar, parts, styles),
    )
    return sign_entry(content, [key])


def roll_entries(
    parts: bytes,
    styles: Sequence[int],
    registrar: int,
    election_id: bytes,
    commitments: Sequence[bytes],
    key: SigningKey,
    first: int = 0,
) -> list[bytes]:
    """The `roll` entries from position `first` on, each of at most 1,000 credentials, in order.

    `commitments` are those that all registrars made, in their order. The entries name them, so that they are worth
    nothing on a board with others.
    """
    seen = roll_commitments_digest(election_id, commitments)
    return [
        sign_entry(
            Roll(
                election=election_id,
                registrar=registrar,
                first=start,
                commitments=seen,
                parts=parts[32 * start : 32 * (start + LARGEST_CHUNK)],
                styles=tuple(styles[start : start + LARGEST_CHUNK]),
            ),
            [key],
        )
        for start in range(first, len(styles), LARGEST_CHUNK)
    ]


def positions_revealed(record: ElectionRecord, registrar: int, parts: bytes, styles: Sequence[int]) -> int:
    """How many positions this registrar has on the roll already, so that an interrupted step can go on.

    Raises Refused while a registrar has not committed, and if the commitment on the board is not to these parts.
    """
    commitments = record.roll.commitments
    missing = [number for number in range(1, len(record.manifest.registrars) + 1) if number not in commitments]
    if missing:
        raise Refused(f"registrar {missing[0]} has not committed yet: nothing is revealed before all have")
    own = commitments[registrar]
    if own.credentials != len(styles) or own.commitment != roll_commitment(
        record.election_id, registrar, parts, styles
    ):
        raise Refused(f"the commitment of registrar {registrar} on the board was not made from these codes")
    return record.roll.lists[registrar].length
