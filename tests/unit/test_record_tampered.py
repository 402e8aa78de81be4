"""Every check from V03 to V20 fails, alone, on a board that breaks its rule, and names the entry."""

from __future__ import annotations

import pytest

from retally_crypto.encoding import b64url_decode
from retally_crypto.errors import Refused
from retally_crypto.replay import Record
from retally_lab.boards.election import Election, members_of, signing_key

ANOTHER_POINT = bytes.fromhex("e2f2ae0a6abc4e71a884a961c500515f58e30b6aa582dd8db6a65945e08d2d76")
"""The generator: a good encoding of a point that is none of an honest board's."""


def assert_only(election: Election, number: str, index: int) -> None:
    """Check `number` fails and names entry `index`; no other check fails."""
    checks = {check.number: check for check in election.record().checks(election.policy(), None)}
    failed = {name: check.notes for name, check in checks.items() if check.state == "fail"}
    assert list(failed) == [number], failed
    assert failed[number][0].startswith(f"entry {index}: {number} "), failed


def finish(election: Election) -> Election:
    """Close, decrypt and publish whatever the board is by now."""
    election.close()
    election.decrypt(1, 2)
    election.result()
    return election


@pytest.fixture
def voting(honest_election: Election) -> Election:
    """The honest election just before it closes."""
    return honest_election.before("closing")


@pytest.fixture
def tally(honest_election: Election) -> Election:
    """The honest election just before anyone decrypts."""
    return honest_election.before("partial-decryption")


def test_v03_a_manifest_of_another_policy(honest_election: Election) -> None:
    other = Election.create(title="Another election").policy()
    checks = honest_election.record().checks(other, None)
    assert (checks[0].number, checks[0].state) == ("V03", "fail")
    assert {check.state for check in checks[1:]} == {"incomplete"}


def test_v03_a_manifest_that_breaks_a_rule_is_ruled_on_no_further(honest_election: Election) -> None:
    election = Election.create(opens=2, closes=1)
    record = Record(election.entries[0])
    rulings = record.replay(honest_election.entries[1:3])
    assert [ruling.check for ruling in rulings] == ["V03", "V03"]
    assert record.size == 3
    checks = record.checks(election.policy(), None)
    assert [check.state for check in checks] == ["fail"] + ["incomplete"] * 17
    with pytest.raises(Refused):
        record.admit(honest_election.entries[1:2])


def test_v04_an_official_entry_by_another_key(voting: Election) -> None:
    members = {"credential": voting.voters["north-3"].credential, "reason": "an operator's wish"}
    at = voting.append(voting.official("roll-revocation", voting.registrars[:1], **members))
    assert_only(finish(voting), "V04", at)


def test_v04_a_second_manifest(voting: Election) -> None:
    at = voting.append(voting.entries[0])
    assert_only(voting, "V04", at)


def test_v04_a_ballot_after_the_closing(tally: Election) -> None:
    at = tally.cast("north-3", [[1, 0, 0], [0, 0]])
    tally.decrypt(1, 2)
    tally.result()
    assert_only(tally, "V04", at)


def test_v04_a_second_closing(tally: Election) -> None:
    at = tally.close()
    assert_only(tally, "V04", at)


def test_v04_a_paper_count_that_hides_that_it_is_late(honest_election: Election) -> None:
    election = honest_election.copy()
    at = election.paper("south", "mayor", [1, 2, 3], late=False)
    assert_only(election, "V04", at)
    election = honest_election.copy()
    election.paper("south", "mayor", [1, 2, 3], late=True)
    assert election.record().findings == []


def test_v05_a_commitment_without_knowledge_of_the_polynomial() -> None:
    election = Election.create()
    for number in (1, 2, 3):
        election.commit(number)
    stolen = members_of(election.entries[1])
    election.edit(2, commitments=stolen["commitments"], proof=stolen["proof"])
    assert_only(election, "V05", 2)


def test_v06_a_wrong_answer() -> None:
    election = Election.create()
    for step in (election.commit, election.share):
        for number in (1, 2, 3):
            step(number)
    election.complain(2, against=1)
    at = election.answer(1, complainant=2, share=bytes([1]) + bytes(31))
    assert_only(election, "V06", at)


def test_v06_k_accusers_void_the_ceremony() -> None:
    election = Election.create()
    for step in (election.commit, election.share):
        for number in (1, 2, 3):
            step(number)
    election.complain(2, against=1)
    at = election.complain(3, against=1)
    assert_only(election, "V06", at)
    election.answer(1, complainant=2)
    election.answer(1, complainant=3)
    election.confirm(1)
    assert election.record().findings[-1].check == "V06"


def test_v06_a_confirmation_of_another_ceremony(honest_election: Election) -> None:
    election = honest_election.before("roll-commitment")
    at = len(election.entries) - 1
    election.edit(at, ceremony=bytes(32))
    assert_only(election, "V06", at)


def test_v07_an_opening_with_another_key(honest_election: Election) -> None:
    election = honest_election.before("ballot")
    at = election.index_of("opening")
    election.edit(at, key=ANOTHER_POINT)
    assert_only(election, "V07", at)


def test_v08_a_registrar_that_breaks_its_commitment(honest_election: Election) -> None:
    election = honest_election.before("opening")
    at = election.indices_of("roll")[-1]
    parts = b64url_decode(members_of(election.entries[at])["parts"])
    election.edit(at, parts=parts[32:64] + parts[:32] + parts[64:])
    assert_only(election, "V08", at)


def test_v08_an_opening_with_another_roll(honest_election: Election) -> None:
    election = honest_election.before("ballot")
    at = election.index_of("opening")
    election.edit(at, roll=bytes(32))
    assert_only(election, "V08", at)


def test_v08_a_revocation_of_a_credential_that_has_voted(voting: Election) -> None:
    assert_only(finish_after(voting, voting.revoke("north-1")), "V08", voting.indices_of("roll-revocation")[0])


def test_v08_more_revocations_than_the_cap(honest_election: Election) -> None:
    election = honest_election.before("ballot")
    election.revoke("north-1")
    at = election.revoke("north-2")
    assert_only(election, "V08", at)


def test_v08_a_replacement_whose_part_is_not_proven(honest_election: Election) -> None:
    election = honest_election.before("ballot")
    at = election.replace("north-1")
    parts = b64url_decode(members_of(election.entries[at])["parts"])
    election.edit(at, parts=parts[:32] + ANOTHER_POINT)
    assert_only(election, "V08", at)


def finish_after(election: Election, index: int) -> Election:
    """Finish an election after the entry at `index`, which has just been written."""
    assert index == len(election.entries) - 1
    return finish(election)


def test_v09_a_ballot_with_a_space_in_it(voting: Election) -> None:
    raw = voting.ballot("north-3", [[1, 0, 0], [0, 0]])
    at = voting.append(raw.replace(b",", b", ", 1))
    assert_only(finish_after(voting, at), "V09", at)


def test_v09_a_ballot_with_a_point_that_is_none(voting: Election) -> None:
    at = voting.cast("north-3", [[1, 0, 0], [0, 0]])
    ciphertexts = b64url_decode(members_of(voting.entries[at])["ciphertexts"])
    voting.edit(at, ciphertexts=b"\xff" * 32 + ciphertexts[32:])
    assert_only(finish_after(voting, at), "V09", at)


def test_v09_comes_before_v11(voting: Election) -> None:
    at = voting.cast("north-3", [[1, 0, 0], [0, 0]])
    ciphertexts = b64url_decode(members_of(voting.entries[at])["ciphertexts"])
    voting.edit(at, ciphertexts=bytes(32) + ciphertexts[32:], credential=ANOTHER_POINT)
    assert_only(finish_after(voting, at), "V09", at)


def test_v09_an_entry_of_an_unknown_kind(voting: Election) -> None:
    at = voting.append(voting.official("import", [voting.authority]))
    assert_only(finish_after(voting, at), "V09", at)


def test_v10_a_ballot_altered_after_it_was_proved(voting: Election) -> None:
    at = voting.cast("north-3", [[1, 0, 0], [0, 0]])
    ciphertexts = b64url_decode(members_of(voting.entries[at])["ciphertexts"])
    voting.edit(at, ciphertexts=ciphertexts[:32] + ANOTHER_POINT + ciphertexts[64:])
    assert_only(finish_after(voting, at), "V10", at)


def test_v10_comes_before_v12_and_extends_no_chain(voting: Election) -> None:
    good = voting.ballot("north-3", [[1, 0, 0], [0, 0]])
    bad = voting.cast("north-3", [[0, 1, 0], [0, 0]])
    proof = b64url_decode(members_of(voting.entries[bad])["proof"])
    voting.edit(bad, proof=ANOTHER_POINT + proof[32:])
    voting.append(good)
    assert_only(finish(voting), "V10", bad)
    assert len(voting.record().ballots_of(voting.voters["north-3"].credential)) == 1


def test_v11_a_credential_that_is_not_on_the_roll(voting: Election) -> None:
    stranger = Election.create().voters["north-1"]
    voting.voters["north-3"] = stranger
    stranger.derive(voting.election_id)
    assert_only(
        finish_after(voting, voting.cast("north-3", [[1, 0, 0], [0, 0]])), "V11", voting.indices_of("ballot")[-1]
    )


def test_v11_a_style_that_is_not_the_credentials(voting: Election) -> None:
    voting.voters["north-3"].style = "south"
    at = voting.cast("north-3", [[1, 0, 0]])
    assert_only(finish_after(voting, at), "V11", at)


def test_v12_a_chain_that_is_forked(voting: Election) -> None:
    at = voting.cast("north-1", [[1, 0, 0], [0, 0]], previous=bytes(32))
    assert_only(finish_after(voting, at), "V12", at)


def test_v12_the_same_ballot_twice_in_one_block(voting: Election) -> None:
    raw = voting.ballot("north-3", [[1, 0, 0], [0, 0]])
    voting.append(raw)
    at = voting.append(raw)
    assert_only(finish_after(voting, at), "V12", at)


def test_v13_the_nonces_of_an_earlier_ballot(voting: Election, monkeypatch: pytest.MonkeyPatch) -> None:
    from retally_crypto.secret import encrypt

    first = voting.cast("north-3", [[1, 0, 0], [0, 0]])
    reused = voting.seal("north-3", [[1, 0, 0], [0, 0]])
    monkeypatch.setattr(encrypt, "_nonces", lambda shape, context: reused.nonces)
    voting.cast("north-3", [[0, 1, 0], [0, 0]])
    at = voting.cast("north-3", [[0, 0, 1], [0, 0]])
    assert first < at
    assert_only(finish_after(voting, at), "V13", at)


def test_v14_a_closing_with_another_number_of_ballots(tally: Election) -> None:
    election = tally.before("paper-count")
    at = election.index_of("closing")
    election.edit(at, ballots=5)
    assert_only(election, "V14", at)


def test_v15_a_result_that_miscounts_the_voters(honest_election: Election) -> None:
    election = honest_election.copy()
    at = election.index_of("result")
    election.edit(at, voted=6)
    assert_only(election, "V15", at)


def test_v16_a_partial_decryption_of_other_sums(tally: Election) -> None:
    tally.decrypt(1, 3)
    at = tally.append(tally.partial_decryption(2))
    tally.edit(at, aggregates=bytes(32))
    tally.result()
    assert_only(tally, "V16", at)


def test_v17_a_partial_decryption_with_another_share(tally: Election) -> None:
    tally.decrypt(1, 3)
    at = tally.append(tally.partial_decryption(2, share=tally.secret_share(1)))
    tally.result()
    assert_only(tally, "V17", at)


def test_v17_a_partial_decryption_under_another_root(tally: Election) -> None:
    tally.decrypt(1, 3)
    at = tally.append(tally.partial_decryption(2))
    tally.edit(at, root=bytes(32))
    tally.result()
    assert_only(tally, "V17", at)


def test_v17_a_partial_decryption_proved_on_a_forked_board(tally: Election) -> None:
    """The right sums, share and proof: only the root says that the guardian was shown another board."""
    fork = tally.copy()
    tally.paper("south", "mayor", [1, 2, 3])
    fork.paper("south", "mayor", [3, 2, 1])
    at = tally.append(fork.partial_decryption(2))
    tally.decrypt(1, 3)
    tally.result()
    assert_only(tally, "V17", at)


@pytest.mark.parametrize("change", [-100, 100])
def test_v17_a_checkpoint_before_the_closing_or_after_the_entry(tally: Election, change: int) -> None:
    at = tally.append(tally.partial_decryption(1))
    tally.edit(at, size=max(0, at + change))
    assert_only(tally, "V17", at)


def test_v18_a_result_from_another_combination(honest_election: Election) -> None:
    election = honest_election.copy()
    at = election.index_of("result")
    election.edit(at, combined=bytes(32))
    assert_only(election, "V18", at)


def test_v19_a_result_that_is_not_what_the_shares_give(honest_election: Election) -> None:
    election = honest_election.copy()
    at = election.index_of("result")
    units = members_of(election.entries[at])["units"]
    units[1]["contests"][0]["counts"] = [2, 0, 1]
    election.edit(at, units=units)
    assert_only(election, "V19", at)
    outcome = election.record().outcome()
    assert outcome is not None
    assert outcome.counts is not None
    assert outcome.counts[1].contests[0].counts == (1, 0, 2)


def test_v20_a_guardian_that_decrypts_twice(tally: Election) -> None:
    tally.decrypt(1, 3)
    at = tally.append(tally.partial_decryption(3))
    tally.result()
    assert_only(tally, "V20", at)


def test_v20_a_unit_decrypted_that_is_not_reported(tally: Election) -> None:
    tally.decrypt(1, 3)
    at = tally.append(tally.partial_decryption(2))
    tally.edit(at, units=[["north"], ["south"], ["north", "south"]])
    tally.result()
    assert_only(tally, "V20", at)


def test_v20_a_result_with_other_units(honest_election: Election) -> None:
    election = honest_election.copy()
    at = election.index_of("result")
    units = members_of(election.entries[at])["units"]
    election.edit(at, units=units[:1])
    assert_only(election, "V20", at)


def test_refused_entries_leave_no_trace_on_the_way_in(voting: Election) -> None:
    record = Record(voting.entries[0])
    record.admit(voting.entries[1:])
    size, root = record.size, record.root
    raw = voting.ballot("north-3", [[1, 0, 0], [0, 0]])
    offered = [raw.replace(b",", b", ", 1), raw, raw, voting.official("closing", [signing_key("other")], ballots=7)]
    rulings = record.admit(offered)
    assert [(ruling.index, ruling.check) for ruling in rulings] == [
        (None, "V09"),
        (size, None),
        (None, "V12"),
        (None, "V04"),
    ]
    assert record.size == size + 1
    assert record.findings == []
    assert record.root != root
    assert record.admit([voting.official("closing", [voting.authority], ballots=7)])[0].accepted


def test_a_refused_ballot_is_counted_as_refused_and_named(voting: Election) -> None:
    at = voting.cast("north-1", [[1, 0, 0], [0, 0]], previous=bytes(32))
    finish(voting)
    outcome = voting.record().outcome()
    assert outcome is not None
    assert (outcome.reconciliation.entries, outcome.reconciliation.refused) == (7, 1)
    assert [(f.index, f.check) for f in voting.record().findings] == [(at, "V12")]
