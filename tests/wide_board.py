"""A board of several ranges of 256 entries, with every kind of ballot that is not as it should be, and what makes it.

Ranges are made that short for a test by `short_ranges`: a board of real ranges would take some 10,000 ballots.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from retally_crypto.canonical import canonical_bytes
from retally_crypto.engine import records
from retally_crypto.ranges import Rules
from retally_crypto.replay import Record
from retally_crypto.secret.encrypt import prove_ballot
from retally_crypto.tile_files import encode_bundle
from retally_lab.boards.election import Election, contest, district, members_of
from retally_verify import board_ranges, run, setup, tree
from tests.verified import RememberedReport

MAYOR = contest("mayor", 2, "total", 1, 0, 1)
CHOICES = ([[1, 0]], [[0, 1]], [[0, 0]])


def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ranges of one bundle."""
    for module in (board_ranges, run, setup, tree):
        monkeypatch.setattr(module, "WIDTH", 256)
    monkeypatch.setattr(tree, "LEVEL", 8)


def wide_election(
    ballots: int = 640, replaced: tuple[str, ...] = (), hindered: bool = False, opening_at: int = 0
) -> Election:
    """An open election of two districts whose 16 voters have voted again and again; closed by `finish`.

    One more was revoked before the opening, and those of `replaced` have new codes. A `hindered` setup is long, for
    every check that an entry of a setup may fail has failed. Entries that are none move the opening to `opening_at`.
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
    election.entries += [b"{}"] * (opening_at - len(election.entries))
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


def assert_as_the_record(election: Election, report: RememberedReport) -> None:
    """The report says of every check, entry and count what the record says after all entries in order."""
    record = Record(election.entries[0])
    record.replay(election.entries[1:])
    assert report.checks[2:-1] == record.checks(election.policy(), None)
    assert report.record is not None
    assert report.record.findings == record.findings
    assert report.record.outcome() == record.outcome()
    for voter in election.voters.values():
        assert report.record.ballots_of(voter.credential) == record.ballots_of(voter.credential)
        assert report.record.previous_of(voter.credential) == record.previous_of(voter.credential)
        assert report.record.is_active(voter.credential) == record.is_active(voter.credential)
    assert (report.record.size, report.record.root) == (record.size, record.root)


def rules_of(election: Election) -> Rules:
    key = election.record().joint_key
    assert key is not None
    return Rules(election.entries[0], key)


def hashed(entries: Sequence[bytes]) -> tuple[bytes, bytes]:
    """A bundle and its leaf hashes."""
    bundle = encode_bundle(entries)
    return bundle, records.hash_leaves(bundle)
