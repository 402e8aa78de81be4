"""V14 and V15: ballots left out of the closing, and numbers that do not add up."""

from __future__ import annotations

from functools import partial

from retally_lab.attacks.tampering import BALLOTS, Tampered, at_polls, attack, enrol, honest, publish


def _closed_with(ballots: int) -> Tampered:
    """A closing with another number of ballots, then a right one."""
    election = at_polls()
    at = election.append(election.official("closing", [election.authority], ballots=ballots))
    election.close()
    return Tampered.board(publish(election), at)


enrol("a_closing_that_counts_a_ballot_too_many", "V14", partial(_closed_with, BALLOTS + 1))
enrol("a_closing_that_counts_a_ballot_too_few", "V14", partial(_closed_with, BALLOTS - 1))


@attack("V14")
def a_closing_that_claims_all_the_ballots_there_could_be() -> Tampered:
    election = at_polls()
    first = election.append(election.official("closing", [election.authority], ballots=0))
    second = election.append(election.official("closing", [election.authority], ballots=2**53 - 1))
    election.close()
    return Tampered.board(publish(election), first, second)


def _published_with(**numbers: int) -> Tampered:
    election = honest()
    at = election.index_of("result")
    election.edit(at, **numbers)
    election.result()
    return Tampered.board(election, at)


for _member, _number in (
    ("credentials", 5),
    ("voted", BALLOTS),
    ("accepted", BALLOTS + 1),
    ("superseded", 0),
    ("counted", BALLOTS),
    ("refused", 1),
):
    enrol(f"a_result_with_another_number_of_{_member}", "V15", partial(_published_with, **{_member: _number}))


@attack("V15")
def a_result_that_hides_the_second_vote_of_a_voter() -> Tampered:
    return _published_with(accepted=BALLOTS - 1, superseded=0)
