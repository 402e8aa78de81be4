"""An honest board passes every check, is the same board whoever looks at it, and gives the counts that were cast."""

from __future__ import annotations

import pytest

from retally_crypto.errors import Malformed, Refused
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.replay import Record
from retally_crypto.rules.findings import TITLES, TimesFinding
from retally_lab.boards.election import COUNCIL, MAYOR, Election, contest, district


def states(election: Election, times: TimesFinding | None = None) -> dict[str, str]:
    return {check.number: check.state for check in election.record().checks(election.policy(), times)}


def test_an_honest_election_passes_every_check(honest_election: Election) -> None:
    checks = honest_election.record().checks(honest_election.policy(), None)
    assert [check.number for check in checks] == [number for number in TITLES if "V03" <= number <= "V20"]
    assert {check.state for check in checks} == {"pass"}, [check for check in checks if check.state != "pass"]
    assert honest_election.record().findings == []


def test_the_counts_are_the_last_ballots_of_the_chains(honest_election: Election) -> None:
    outcome = honest_election.record().outcome()
    assert outcome is not None
    assert outcome.counts is not None
    found = [
        (unit.unit.districts, unit.unit.counted, [(one.contest, one.counts) for one in unit.contests])
        for unit in outcome.counts
    ]
    assert found == [
        (("north",), 2, [("mayor", (0, 1, 0)), ("council", (1, 5))]),
        (("south",), 3, [("mayor", (1, 0, 2))]),
    ]
    assert [count.stations[0].votes for count in outcome.paper_counts] == [(10, 20, 30)]


def test_the_reconciliation_accounts_for_every_ballot_entry(honest_election: Election) -> None:
    outcome = honest_election.record().outcome()
    assert outcome is not None
    numbers = outcome.reconciliation
    assert (numbers.credentials, numbers.entries, numbers.refused) == (6, 6, 0)
    assert (numbers.voted, numbers.accepted, numbers.superseded, numbers.counted) == (5, 6, 1, 5)


def test_the_root_is_the_one_of_all_entries(honest_election: Election) -> None:
    tree = Frontier()
    for raw in honest_election.entries:
        tree.append(leaf_hash(raw))
    assert (honest_election.record().size, honest_election.record().root) == (tree.size, tree.root())


def test_admitting_one_by_one_and_replaying_at_once_rule_alike(honest_election: Election) -> None:
    replayed, admitted = Record(honest_election.entries[0]), Record(honest_election.entries[0])
    at_once = replayed.replay(honest_election.entries[1:])
    one_by_one = [admitted.admit([raw])[0] for raw in honest_election.entries[1:]]
    assert [(r.index, r.kind, r.check) for r in at_once] == [(r.index, r.kind, r.check) for r in one_by_one]
    assert replayed.root == admitted.root
    assert replayed.outcome() == admitted.outcome()


def test_the_record_tells_what_a_voter_needs_for_the_next_ballot(honest_election: Election) -> None:
    record, voter = honest_election.record(), honest_election.voters["north-1"].credential
    first, second = record.ballots_of(voter)
    assert first < second
    assert record.previous_of(voter) == honest_election.last_ballot("north-1")
    assert (record.style_of(voter), record.is_active(voter)) == (0, True)
    abstainer = honest_election.voters["north-3"].credential
    assert (record.ballots_of(abstainer), record.previous_of(abstainer)) == ((), bytes(32))
    assert (record.style_of(bytes(32)), record.is_active(bytes(32))) == (None, False)


def test_phases_follow_opening_and_closing(honest_election: Election) -> None:
    assert honest_election.before("opening").record().phase == "setup"
    assert honest_election.before("closing").record().phase == "voting"
    assert honest_election.record().phase == "tally"


def test_a_board_in_setup_is_incomplete_and_nothing_fails(honest_election: Election) -> None:
    setup = honest_election.before("guardian-shares")
    expected = dict.fromkeys((f"V{n:02}" for n in range(3, 21)), "incomplete")
    assert states(setup) == {**expected, "V03": "pass", "V05": "pass", "V09": "pass"}
    assert states(honest_election.before("guardian-commitment"))["V05"] == "incomplete"


def test_an_open_board_is_incomplete_from_the_closing_on(honest_election: Election) -> None:
    found = states(honest_election.before("closing"))
    incomplete = {number for number, state in found.items() if state == "incomplete"}
    assert incomplete == {"V04", "V14", "V15", "V16", "V17", "V18", "V19", "V20"}
    assert honest_election.before("closing").record().outcome() is None


def test_fewer_than_k_partial_decryptions_are_incomplete(honest_election: Election) -> None:
    short = honest_election.before("partial-decryption")
    assert {n for n, state in states(short).items() if state == "incomplete"} == {"V16", "V17", "V18", "V19"}
    short.decrypt(2)
    assert {n for n, state in states(short).items() if state == "incomplete"} == {"V17", "V18", "V19"}
    outcome = short.record().outcome()
    assert outcome is not None
    assert outcome.counts is None


def test_any_k_guardians_give_the_same_counts(honest_election: Election) -> None:
    other = honest_election.before("partial-decryption")
    other.decrypt(3, 2)
    theirs, ours = other.record().outcome(), honest_election.record().outcome()
    assert theirs is not None
    assert ours is not None
    assert (theirs.counts, theirs.combined) == (ours.counts, ours.combined)
    assert {n for n, state in states(other).items() if state != "pass"} == {"V19"}


def test_guardians_get_the_sums_only_after_the_closing(honest_election: Election) -> None:
    aggregates, digest = honest_election.record().aggregates()
    assert [(item.unit.districts, item.contest, item.option, item.bound) for item in aggregates.items][3:5] == [
        (("north",), "council", 0, 6),
        (("north",), "council", 1, 6),
    ]
    assert digest == honest_election.record().partial_decryptions[1].aggregates
    with pytest.raises(Refused, match="not closed"):
        honest_election.before("closing").record().aggregates()


def test_an_answered_complaint_does_not_stop_the_ceremony() -> None:
    election = Election.create()
    for step in (election.commit, election.share):
        for number in (1, 2, 3):
            step(number)
    election.complain(2, against=1)
    assert states(election)["V06"] == "incomplete"
    election.answer(1, complainant=2)
    for number in (1, 2, 3):
        election.confirm(number)
    assert states(election)["V06"] == "pass"
    assert election.record().findings == []


def test_a_revoked_and_a_replaced_credential_keep_the_roll_in_order() -> None:
    election = Election.create(voters={"north": 2, "south": 2})
    election.ceremony()
    election.roll(chunk=3)
    election.revoke("south-1")
    election.replace("north-1")
    election.open()
    election.cast("north-1", [[1, 0, 0], [1, 1]])
    assert {n for n in ("V08", "V10", "V11") if states(election)[n] != "pass"} == set()
    assert election.record().roll.active == 3


def test_small_districts_are_merged_or_withheld() -> None:
    districts = [district("north", merge="south"), district("south"), district("island"), district("empty")]
    election = Election.create(
        contests=[MAYOR],
        districts=districts,
        guardian_count=(1, 1),
        registrar_count=1,
        voters={"north": 1, "south": 2, "island": 1, "empty": 1},
        smallest_unit=2,
    )
    election.ceremony()
    election.roll()
    election.open()
    for name, choice in (("north-1", 0), ("south-1", 1), ("south-2", 1), ("island-1", 2)):
        election.cast(name, [[int(choice == option) for option in range(3)]])
    election.close()
    election.decrypt(1)
    election.result()
    assert set(states(election).values()) == {"pass"}
    outcome = election.record().outcome()
    assert outcome is not None
    assert outcome.counts is not None
    assert [
        (unit.unit.districts, unit.unit.state, [one.counts for one in unit.contests]) for unit in outcome.counts
    ] == [
        (("north", "south"), "reported", [(1, 2, 0)]),
        (("island",), "withheld", []),
        (("empty",), "empty", [(0, 0, 0)]),
    ]


def test_a_board_on_which_nobody_voted_has_counts_of_zero() -> None:
    election = Election.create(contests=[COUNCIL, contest("yes", 1, "total", 1, 0, 1)], guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    election.close()
    election.decrypt(1)
    election.result()
    assert set(states(election).values()) == {"pass"}


def test_with_witnesses_the_times_are_the_readers_to_find(honest_election: Election) -> None:
    election = Election.create(witness_count=(2, 3), guardian_count=(1, 1), registrar_count=1)
    election.ceremony()
    election.roll()
    election.open()
    election.close()
    assert states(election, None)["V04"] == "incomplete"
    assert states(election, TimesFinding("pass"))["V04"] == "pass"
    assert states(election, TimesFinding("fail", ("opened too early",)))["V04"] == "fail"
    assert states(honest_election, None)["V04"] == "pass"


def test_entry_zero_must_be_a_manifest(honest_election: Election) -> None:
    with pytest.raises(Malformed):
        Record(honest_election.entries[-1])
    with pytest.raises(Malformed):
        Record(b"{}")
