"""V11 to V13: ballots of nobody, ballots out of their chain, ciphertexts used twice."""

from __future__ import annotations

from retally_lab.attacks.forging import forge
from retally_lab.attacks.tampering import Tampered, at_polls, attack, finish, just_opened, refused
from retally_lab.boards.election import Election, body_hash

# ---- V11 ----


@attack("V11")
def a_credential_that_is_not_on_the_roll() -> Tampered:
    election = at_polls()
    stranger = Election.create().voters["south-1"]
    stranger.derive(election.election_id)
    election.voters["stranger"] = stranger
    at = election.cast("stranger", [[1, 0]])
    del election.voters["stranger"]
    return Tampered.board(finish(election), at)


@attack("V11")
def a_part_of_a_credential_instead_of_the_whole() -> Tampered:
    """One registrar votes with the part that it made."""
    election = at_polls()
    voter = election.copy().voters["south-2"]
    voter.secret, voter.credential = voter.secrets[0], voter.parts[0]
    election.voters["part"] = voter
    at = election.cast("part", [[1, 0]])
    del election.voters["part"]
    return Tampered.board(finish(election), at)


@attack("V11")
def a_revoked_credential_that_votes() -> Tampered:
    election = at_polls()
    election.revoke("south-2")
    at = election.cast("south-2", [[1, 0]])
    return Tampered.board(finish(election), at)


@attack("V11")
def a_replaced_credential_that_votes() -> Tampered:
    election = at_polls()
    raw = election.ballot("south-2", [[1, 0]])
    election.replace("south-2")
    at = election.append(raw)
    election.cast("south-2", [[0, 1]])
    return Tampered.board(finish(election), at)


@attack("V11")
def a_credential_that_votes_before_it_replaces_another() -> Tampered:
    election = at_polls()
    later = election.copy()
    later.replace("south-2")
    replacement, early = later.entries[-1], later.ballot("south-2", [[0, 1]])
    at = election.append(early)
    election.append(replacement)
    return Tampered.board(finish(election), at)


@attack("V11")
def a_ballot_of_another_style_than_the_credentials() -> Tampered:
    election = at_polls()
    election.voters["south-2"].style = "north"
    at = election.cast("south-2", [[1, 0], [1]])
    return Tampered.board(finish(election), at)


# ---- V12 ----


@attack("V12")
def a_chain_that_is_forked() -> Tampered:
    election = at_polls()
    at = election.cast("north-1", [[0, 1], [0]], previous=bytes(32))
    return Tampered.board(finish(election), at)


@attack("V12")
def a_chain_forked_behind_its_first_ballot() -> Tampered:
    election = at_polls()
    first = body_hash(election.entries[election.index_of("ballot")])
    at = election.cast("north-1", [[0, 1], [0]], previous=first)
    return Tampered.board(finish(election), at)


@attack("V12")
def the_same_ballot_twice() -> Tampered:
    election = at_polls()
    return refused(election.entries[election.index_of("ballot", 1)])


@attack("V12")
def a_superseded_ballot_replayed() -> Tampered:
    election = at_polls()
    return refused(election.entries[election.index_of("ballot")])


@attack("V12")
def a_ballot_held_back_until_another_was_cast() -> Tampered:
    election = at_polls()
    held_back = election.ballot("south-2", [[0, 1]])
    election.cast("south-2", [[1, 0]])
    at = election.append(held_back)
    return Tampered.board(finish(election), at)


@attack("V12")
def a_chain_continued_from_a_ballot_that_was_held_back() -> Tampered:
    election = at_polls()
    held_back = election.ballot("south-2", [[0, 1]])
    at = election.cast("south-2", [[1, 0]], previous=body_hash(held_back))
    return Tampered.board(finish(election), at)


@attack("V12")
def a_chain_continued_from_another_voters_ballot() -> Tampered:
    election = at_polls()
    at = election.cast("south-2", [[1, 0]], previous=election.last_ballot("south-1"))
    return Tampered.board(finish(election), at)


@attack("V12")
def new_codes_that_continue_a_ballot_of_the_old_ones() -> Tampered:
    election = at_polls()
    held_back = election.ballot("south-2", [[0, 1]])
    election.replace("south-2")
    at = election.cast("south-2", [[1, 0]], previous=body_hash(held_back))
    return Tampered.board(finish(election), at)


@attack("V12")
def two_ballots_of_a_chain_in_the_wrong_order() -> Tampered:
    election = at_polls()
    first = election.ballot("south-2", [[0, 1]])
    second = election.ballot("south-2", [[1, 0]], previous=body_hash(first))
    at = election.append(second)
    election.append(first)
    return Tampered.board(finish(election), at)


@attack("V12")
def a_chain_continued_from_a_refused_ballot() -> Tampered:
    """The operator puts a ballot of no effect between two good ones, to break the chain of those that follow."""
    election = just_opened()
    first = election.cast("south-2", [[0, 1]])
    broken = election.cast("south-2", [[1, 0]], previous=bytes(32))
    at = election.cast("south-2", [[1, 0]])
    assert first < broken < at
    return Tampered.board(finish(election), broken, at)


# ---- V13 ----


@attack("V13")
def nonces_used_in_two_ballots_of_one_voter() -> Tampered:
    election = at_polls()
    election.append(forge(election, "south-2", [1, 0, 0], nonces=[3, 5, 9]).entry())
    at = election.append(forge(election, "south-2", [0, 1, 0], nonces=[3, 5, 9]).entry())
    return Tampered.board(finish(election), at)


@attack("V13")
def one_nonce_of_another_voters_ballot() -> Tampered:
    election = at_polls()
    election.append(forge(election, "south-2", [1, 0, 0], nonces=[3, 5, 9]).entry())
    at = election.append(forge(election, "south-3", [1, 0, 0], nonces=[21, 9, 23]).entry())
    return Tampered.board(finish(election), at)


@attack("V13")
def one_nonce_twice_within_a_ballot() -> Tampered:
    election = at_polls()
    at = election.append(forge(election, "south-2", [1, 0, 0], nonces=[3, 3, 9]).entry())
    return Tampered.board(finish(election), at)
