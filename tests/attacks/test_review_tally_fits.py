"""An election that opens can be counted: whatever is cast, its partial decryptions and its result fit an entry."""

from __future__ import annotations

import pytest

from retally_crypto.entries import PartialDecryption, Result, ResultContest, ResultUnit
from retally_crypto.entry_writing import entry_text
from retally_crypto.manifest import check_manifest, largest_partial_decryption, largest_result
from retally_crypto.notes import MAX_ENTRY_BYTES
from retally_crypto.secret.sign import SigningKey, sign_note
from retally_lab.boards.election import Election, contest, district
from retally_lab.boards.files import members_of
from retally_reference.manifest import broken_rules, largest_of_the_tally, read_manifest

LARGEST = 2**53 - 1


def election_of(districts: int, options: int, contests: int = 1) -> Election:
    names = [f"d{number}" for number in range(districts)]
    ballot = [contest(f"c{number}", options, "total", 1, 0, 1) for number in range(contests)]
    styles = {name: [one["id"] for one in ballot] for name in names}
    return Election.create(ballot, [district(name) for name in names], styles=styles, voters={names[0]: 1})


def length(content: PartialDecryption | Result, key: SigningKey) -> int:
    return len(sign_note(entry_text(content), [key]))


@pytest.mark.parametrize(("districts", "options", "contests"), [(1, 1, 1), (3, 2, 2), (20, 5, 3)])
def test_the_largest_tally_entries_have_the_lengths_that_v03_reckons_with(
    districts: int, options: int, contests: int
) -> None:
    election = election_of(districts, options, contests)
    manifest, many = election.manifest, districts * options * contests
    partial = PartialDecryption(
        election=bytes(32),
        guardian=3,
        size=LARGEST,
        root=bytes(32),
        units=tuple((one.id,) for one in manifest.districts),
        aggregates=bytes(32),
        points=bytes(32 * many),
        proof=bytes(32 * (many + 2)),
    )
    assert length(partial, election.guardians[2].key) == largest_partial_decryption(manifest)
    counted = tuple(ResultContest(contest=one.id, counts=(LARGEST,) * options) for one in manifest.contests)
    result = Result(
        election=bytes(32),
        credentials=LARGEST,
        voted=LARGEST,
        accepted=LARGEST,
        superseded=LARGEST,
        counted=LARGEST,
        refused=LARGEST,
        units=tuple(
            ResultUnit(districts=(one.id,), state="reported", counted=LARGEST, contests=counted)
            for one in manifest.districts
        ),
        combined=bytes(32),
    )
    assert length(result, election.authority) == largest_result(manifest)


@pytest.mark.parametrize(
    ("districts", "options", "fits"),
    [(100, 6, True), (100, 8, False), (1, 160, True), (300, 1, True), (8, 90, True), (8, 97, False)],
)
def test_an_election_that_could_never_be_counted_breaks_a_rule_for_both(
    districts: int, options: int, fits: bool
) -> None:
    election = election_of(districts, options)
    manifest = election.manifest
    assert (max(largest_partial_decryption(manifest), largest_result(manifest)) <= MAX_ENTRY_BYTES) == fits
    assert (check_manifest(manifest) == []) == fits
    assert (broken_rules(read_manifest(members_of(election.entries[0]))) == []) == fits


@pytest.mark.parametrize(("districts", "options", "contests"), [(1, 1, 1), (12, 3, 2), (60, 11, 1)])
def test_both_verifiers_reckon_with_the_same_lengths(districts: int, options: int, contests: int) -> None:
    election = election_of(districts, options, contests)
    found = largest_of_the_tally(read_manifest(members_of(election.entries[0])))
    assert found == {
        "partial-decryption": largest_partial_decryption(election.manifest),
        "result": largest_result(election.manifest),
    }
