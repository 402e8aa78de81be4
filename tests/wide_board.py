"""A board of several ranges of 256 entries, with every kind of ballot that is not as it should be, and what makes it.

Ranges are made that short for a test by `short_ranges`: a board of real ranges would take some 10,000 ballots.
"""

from __future__ import annotations

import json

import pytest

from retally_client.verifier import run
from retally_crypto.ballots import prove_ballot
from retally_crypto.canonical import canonical_bytes
from tests.boards import Election, contest, district, members_of

MAYOR = contest("mayor", 2, "total", 1, 0, 1)
CHOICES = ([[1, 0]], [[0, 1]], [[0, 0]])


def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of one bundle."""
    monkeypatch.setattr(run, "WIDTH", 256)
    monkeypatch.setattr(run, "LEVEL", 8)


def wide_election(ballots: int = 640, replaced: tuple[str, ...] = (), hindered: bool = False) -> Election:
    """An open election of two districts whose 16 voters have voted again and again; closed by `finish`.

    One more was revoked before the opening, and those of `replaced` have new codes. A `hindered` setup is long, for
    every check that an entry of a setup may fail has failed.
    """
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"), district("south")),
        voters={"north": 10, "south": 10},
        caps={"revocations": 3, "replacements": 3},
    )
    election.ceremony()
    election.roll(chunk=7)
    election.revoke("north-10")
    if hindered:
        election.entries += [election.entries[-2], b"{}"] * 300
        election.revoke("north-10")
    for name in replaced:
        election.replace(name)
    election.open()
    names = [name for name in election.voters if not name.endswith(("-9", "-10"))]
    last: dict[str, bytes] = {}
    for number in range(ballots):
        name = names[number * 7 % len(names)]
        sealed = election.seal(name, CHOICES[number % 3], last.get(name, bytes(32)))
        election.append(prove_ballot(sealed, election.voters[name].secret))
        last[name] = sealed.body_hash
    return election


def finish(election: Election) -> Election:
    """Closing, decryption and, where nothing hinders it, the result."""
    election.close()
    election.decrypt(1, 3)
    election.result()
    return election


def altered(raw: bytes, **members: str) -> bytes:
    """A ballot entry with other members, not proved anew."""
    return canonical_bytes({**json.loads(raw), **members})


def swapped_proof(raw: bytes, other: bytes) -> bytes:
    """A ballot with another's proof."""
    return altered(raw, proof=str(members_of(other)["proof"]))
