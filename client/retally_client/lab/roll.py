"""The registrars of a trial election register everybody: commit, reveal in chunks, and hand every voter her codes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retally_client.lab.casting import Voter
from retally_client.lab.officials import LiveElection
from retally_crypto.credentials import (
    combine_parts,
    combine_secrets,
    new_code,
    parse_code,
    part_secret,
    public_part,
    roll_commitment,
)
from retally_crypto.entries import LARGEST_CHUNK, Roll, RollCommitment, sign_entry


def register(
    election: LiveElection,
    styles: Sequence[int],
    begin: Callable[[int], None] = lambda credentials: None,
    advance: Callable[[int], None] = lambda credentials: None,
) -> list[Voter]:
    """A credential for every position in `styles` (indices in the manifest), on the board when this returns."""
    eid, registrars = election.policy.election_id, election.officials.registrars
    begin(2 * len(styles) * len(registrars))
    secrets: list[list[bytes]] = []
    for registrar in range(1, len(registrars) + 1):
        own = []
        for _ in styles:
            own.append(part_secret(parse_code(new_code()), eid, registrar))
            advance(1)
        secrets.append(own)
    parts = [public_part(b"".join(own)) for own in secrets]
    for registrar, key in enumerate(registrars, start=1):
        commitment = RollCommitment(
            election=eid,
            registrar=registrar,
            credentials=len(styles),
            commitment=roll_commitment(eid, registrar, parts[registrar - 1], styles),
        )
        election.server.append(sign_entry(commitment, [key]))
    for registrar, key in enumerate(registrars, start=1):
        for first in range(0, len(styles), LARGEST_CHUNK):
            chunk = tuple(styles[first : first + LARGEST_CHUNK])
            own_parts = parts[registrar - 1][32 * first : 32 * (first + len(chunk))]
            roll = Roll(election=eid, registrar=registrar, first=first, parts=own_parts, styles=chunk)
            election.server.append(sign_entry(roll, [key]))
            advance(len(chunk))
    credentials = combine_parts(parts)
    return [
        Voter(credentials[32 * at : 32 * at + 32], combine_secrets([own[at] for own in secrets]), style)
        for at, style in enumerate(styles)
    ]
