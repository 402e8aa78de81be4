"""The registrars of a trial election register everybody: codes, commitments, then the roll."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from retally_client.registrar.codes import make_codes
from retally_client.registrar.roll import roll_commitment_entry, roll_entries
from retally_crypto.credentials import combine_parts, roll_commitment
from retally_crypto.secret.credentials import combine_secrets, parse_code, part_secret, public_part
from retally_lab.casting import Voter
from retally_lab.officials import LiveElection


@dataclass(frozen=True)
class Registration:
    """Everybody's place in roll order, and her codes, one from each registrar, as she would get them on paper."""

    voters: tuple[Voter, ...]
    codes: tuple[tuple[str, ...], ...] = field(repr=False)


def register(
    election: LiveElection,
    styles: Sequence[int],
    begin: Callable[[int], None] = lambda credentials: None,
    advance: Callable[[int], None] = lambda credentials: None,
) -> Registration:
    """A credential for every position in `styles` (indices in the manifest), on the board when this returns."""
    eid, keys = election.policy.election_id, election.officials.registrars
    begin(len(styles) * len(keys))
    codes = [make_codes(len(styles)) for _ in keys]
    secrets: list[list[bytes]] = []
    for registrar, own in enumerate(codes, start=1):
        secrets.append([part_secret(parse_code(code), eid, registrar) for code in own])
        advance(len(styles))
    parts = [public_part(b"".join(own)) for own in secrets]
    for registrar, key in enumerate(keys, start=1):
        election.server.append(roll_commitment_entry(parts[registrar - 1], styles, registrar, eid, key))
    commitments = [roll_commitment(eid, registrar, own, styles) for registrar, own in enumerate(parts, start=1)]
    for registrar, key in enumerate(keys, start=1):
        for entry in roll_entries(parts[registrar - 1], styles, registrar, eid, commitments, key):
            election.server.append(entry)
    credentials = combine_parts(parts)
    voters = [
        Voter(credentials[32 * at : 32 * at + 32], combine_secrets([own[at] for own in secrets]), style)
        for at, style in enumerate(styles)
    ]
    return Registration(tuple(voters), tuple(zip(*codes, strict=True)))
