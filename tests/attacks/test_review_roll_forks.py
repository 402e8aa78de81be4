"""The operator lets the honest registrar reveal its parts on one board and shows them again on a fork, where another
registrar has committed to parts that it chose afterwards, so that it alone knows the secret of every credential."""

from __future__ import annotations

from typing import Any

import pytest

from retally_crypto import credentials
from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_lab.boards.election import Election, members_of
from retally_reference.election import begin, take
from retally_reference.entries import read_official


@pytest.fixture
def revealed() -> Election:
    """A board with the whole roll of two registrars, of whom the first is honest."""
    election = Election.create()
    election.ceremony()
    election.roll()
    return election


def fork_of(election: Election) -> tuple[Election, bytes]:
    """A board on which registrar 2 chose its parts after it saw those of registrar 1, and all credentials they make."""
    commitment, *_ = (election.entries[at] for at in election.indices_of("roll-commitment"))
    reveal, *_ = (election.entries[at] for at in election.indices_of("roll"))
    fork = election.copy()
    del fork.entries[fork.index_of("roll-commitment") :]
    fork.append(commitment)
    seen = members_of(reveal)
    honest, styles = b64url_decode(seen["parts"]), seen["styles"]
    known = b"".join(engine.scalar_reduce(bytes([number]) * 64) for number in range(1, len(styles) + 1))
    wanted = engine.multiply_base(known)
    parts = engine.subtract(wanted, honest)
    digest = credentials.roll_commitment(fork.election_id, 2, parts, styles)
    members: dict[str, Any] = {"registrar": 2, "credentials": len(styles), "commitment": digest}
    fork.append(fork.official("roll-commitment", [fork.registrars[1]], **members))
    fork.append(reveal)
    own = credentials.roll_commitments_digest(
        fork.election_id, [b64url_decode(members_of(commitment)["commitment"]), digest]
    )
    members = {"registrar": 2, "first": 0, "commitments": own, "parts": parts, "styles": styles}
    fork.append(fork.official("roll", [fork.registrars[1]], **members))
    return fork, wanted


def test_parts_revealed_on_one_board_are_worth_nothing_on_a_fork(revealed: Election) -> None:
    fork, wanted = fork_of(revealed)
    at = fork.index_of("roll")
    record = fork.record()
    assert [(finding.index, finding.check) for finding in record.findings] == [(at, "V08")]
    assert not record.roll.complete
    assert not record.is_active(wanted[:32])
    reference = begin(read_official(fork.entries[0]).members, fork.election_id, b"")
    take(reference, fork.entries[1:], lambda index: None)
    assert [one.index for one in reference.refused if one.check == "V08"] == [at]
    assert not reference.roll.credentials


def test_the_same_entries_complete_the_roll_where_they_were_made_for(revealed: Election) -> None:
    record = revealed.record()
    assert record.roll.complete
    assert record.findings == []
