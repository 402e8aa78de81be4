"""V16 to V20: guardians who decrypt something else, results that say something else."""

from __future__ import annotations

from functools import cache, partial
from typing import Any

from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.tally import Aggregate, Aggregates
from retally_lab.attacks.forging import scalar
from retally_lab.attacks.tampering import (
    GENERATOR,
    MAYOR,
    Tampered,
    at_count,
    attack,
    enrol,
    honest,
    members,
)
from retally_lab.boards.election import Election, district


def published(election: Election, *indices: int) -> Tampered:
    """The board with its result; the entries at `indices` are to be named."""
    election.result()
    return Tampered.board(election, *indices)


def third_decryption() -> tuple[Election, int]:
    """Guardians 1 and 3 decrypt, which is enough; guardian 2 decrypts as well, at the index given."""
    election = at_count()
    election.decrypt(1, 3)
    return election, election.append(election.partial_decryption(2))


# ---- V16 ----


@attack("V16")
def sums_of_other_ciphertexts() -> Tampered:
    """Guardian 2 decrypts single ballots instead of their sum, and says so in its digest."""
    election, at = third_decryption()
    aggregates, _ = election.record().aggregates()
    item = aggregates.items[0]
    other = Aggregates((Aggregate(item.unit, item.contest, item.option, GENERATOR, item.b, item.bound),))
    election.edit(at, aggregates=other.digest(election.election_id))
    return published(election, at)


@attack("V16")
def sums_that_count_a_superseded_ballot_too() -> Tampered:
    election = at_count()
    aggregates, _ = election.record().aggregates()
    superseded = b64url_decode(members(election, election.index_of("ballot"))["ciphertexts"])
    first = aggregates.items[0]
    swollen = Aggregate(
        first.unit,
        first.contest,
        first.option,
        engine.add(first.a, superseded[:32]),
        engine.add(first.b, superseded[32:64]),
        first.bound + 1,
    )
    other = Aggregates((swollen, *aggregates.items[1:]))
    record = election.record()
    points, proof = partial_decrypt(election.secret_share(2), other, election.election_id, 2, record.size, record.root)
    raw = election.partial_decryption(2)
    at = election.append(raw)
    election.edit(at, aggregates=other.digest(election.election_id), points=points, proof=proof)
    election.decrypt(1, 3)
    return published(election, at)


# ---- V17 ----


def _with_change(**changes: Any) -> Tampered:
    election, at = third_decryption()
    election.edit(at, **changes)
    return published(election, at)


enrol("a_partial_decryption_under_another_root", "V17", partial(_with_change, root=bytes(32)))
enrol("a_partial_decryption_of_the_open_board", "V17", partial(_with_change, size=20))
enrol("a_partial_decryption_of_a_board_that_is_not_yet", "V17", partial(_with_change, size=2**40))


@attack("V17")
def a_partial_decryption_that_stops_before_the_closing() -> Tampered:
    election, at = third_decryption()
    election.edit(at, size=election.index_of("closing"))
    return published(election, at)


@attack("V17")
def a_partial_decryption_proved_on_a_forked_board() -> Tampered:
    """The right sums, share and proof: only the root says that the guardian was shown another board."""
    election = at_count()
    fork = election.copy()
    election.paper("south", "mayor", [1, 2])
    fork.paper("south", "mayor", [2, 1])
    at = election.append(fork.partial_decryption(2))
    election.decrypt(1, 3)
    return published(election, at)


@attack("V17")
def a_partial_decryption_with_another_share() -> Tampered:
    election = at_count()
    election.decrypt(1, 3)
    return published(election, election.append(election.partial_decryption(2, share=election.secret_share(1))))


@attack("V17")
def a_partial_decryption_with_a_share_nobody_has() -> Tampered:
    election = at_count()
    election.decrypt(1, 3)
    return published(election, election.append(election.partial_decryption(2, share=scalar(12345))))


@attack("V17")
def a_partial_decryption_that_moves_a_vote() -> Tampered:
    """One G more in one point and one less in another would move a vote, if the proof were not about the points."""
    election, at = third_decryption()
    points = b64url_decode(members(election, at)["points"])
    moved = engine.add(points[:32], GENERATOR) + engine.subtract(points[32:64], GENERATOR) + points[64:]
    election.edit(at, points=moved)
    return published(election, at)


@attack("V17")
def a_partial_decryption_whose_points_changed_places() -> Tampered:
    election, at = third_decryption()
    points = b64url_decode(members(election, at)["points"])
    election.edit(at, points=points[32:64] + points[:32] + points[64:])
    return published(election, at)


@attack("V17")
def a_partial_decryption_of_fewer_sums() -> Tampered:
    election, at = third_decryption()
    found = members(election, at)
    points, proof = b64url_decode(found["points"]), b64url_decode(found["proof"])
    election.edit(at, points=points[:-32], proof=proof[:-64] + proof[-32:])
    return published(election, at)


@attack("V17")
def a_proof_made_under_another_checkpoint() -> Tampered:
    """Right points under a root that the guardian never saw: the proof is bound to the checkpoint."""
    election, at = third_decryption()
    early, root = at - 1, at_root(election, at - 1)
    election.edit(at, size=early, root=root)
    return published(election, at)


def at_root(election: Election, size: int) -> bytes:
    """The root of the board when it had `size` entries."""
    shorter = election.copy()
    del shorter.entries[size:]
    return shorter.record().root


@attack("V17", "incomplete")
def a_share_that_is_missing() -> Tampered:
    election = at_count()
    election.decrypt(2)
    return Tampered.board(election)


@attack("V17", "incomplete")
def a_count_without_any_share() -> Tampered:
    return Tampered.board(at_count())


# ---- V18, V19 ----


def _result_with(**changes: Any) -> Tampered:
    election = honest()
    at = election.index_of("result")
    election.edit(at, **changes)
    election.result()
    return Tampered.board(election, at)


enrol("a_result_from_another_combination", "V18", partial(_result_with, combined=bytes(32)))


def _units() -> list[Any]:
    election = honest()
    units: list[Any] = members(election, election.index_of("result"))["units"]
    return units


@attack("V19")
def a_result_with_other_counts() -> Tampered:
    units = _units()
    units[0]["contests"][0]["counts"] = [0, 1]
    return _result_with(units=units)


@attack("V19")
def a_result_that_moves_votes_between_districts() -> Tampered:
    units = _units()
    first, second = units[0]["contests"][0], units[1]["contests"][0]
    first["counts"], second["counts"] = [2, 0], [1, 1]
    return _result_with(units=units)


@attack("V19")
def a_result_without_one_of_its_contests() -> Tampered:
    units = _units()
    del units[0]["contests"][1]
    return _result_with(units=units)


@attack("V19")
def a_result_with_its_contests_exchanged() -> Tampered:
    units = _units()
    units[0]["contests"].reverse()
    return _result_with(units=units)


@attack("V19")
def a_result_with_more_ballots_in_a_unit() -> Tampered:
    units = _units()
    units[1]["counted"] += 1
    return _result_with(units=units)


@attack("V19", "incomplete")
def a_board_that_never_publishes_its_result() -> Tampered:
    return Tampered.board(honest().before("result"))


# ---- V20 ----


@attack("V20")
def a_guardian_that_decrypts_twice() -> Tampered:
    election = at_count()
    election.decrypt(1, 3)
    return published(election, election.append(election.partial_decryption(3)))


@attack("V20")
def a_guardian_that_decrypts_again_after_the_result() -> Tampered:
    election = honest()
    return Tampered.board(election, election.append(election.partial_decryption(1)))


@attack("V20")
def a_guardian_that_decrypts_one_district_only() -> Tampered:
    return _with_change(units=[["north"]])


@attack("V20")
def a_result_that_leaves_a_district_out() -> Tampered:
    return _result_with(units=_units()[:1])


@attack("V20")
def a_result_with_its_districts_in_another_order() -> Tampered:
    return _result_with(units=_units()[::-1])


@attack("V20")
def a_district_called_empty() -> Tampered:
    units = _units()
    units[1]["state"] = "empty"
    return _result_with(units=units)


@cache
def _small_districts() -> Election:
    """Units of at least two: hills (1 ballot) is merged with town (2), island (1) has no district to merge with."""
    districts = (district("town"), district("hills", "town"), district("island"))
    election = Election.create((MAYOR,), districts, smallest_unit=2, voters={"town": 2, "hills": 1, "island": 1})
    election.ceremony()
    election.roll()
    election.open()
    election.cast("town-1", [[1, 0]])
    election.cast("town-2", [[0, 1]])
    election.cast("hills-1", [[1, 0]])
    election.cast("island-1", [[1, 0]])
    election.close()
    return election


def small_districts() -> Election:
    return _small_districts().copy()


def _decrypted_as(*units: list[str]) -> Tampered:
    """Guardian 2 decrypts these units, truly: the sums are those of its units, under its own share."""
    election = small_districts()
    election.decrypt(1, 3)
    record = election.record()
    aggregates, _ = record.aggregates()
    at = election.append(election.partial_decryption(2))
    ballots = [members(election, index) for index in election.indices_of("ballot")]
    items = []
    for unit in units:
        sums = [b64url_decode(ballot["ciphertexts"]) for ballot in ballots if ballot["style"] in unit]
        columns = engine.sum_columns(b"".join(sums), 6)
        items += [
            Aggregate(aggregates.items[0].unit, "mayor", i, columns[64 * i :][:32], columns[64 * i + 32 :][:32], 9)
            for i in (0, 1)
        ]
    other = Aggregates(tuple(items))
    points, proof = partial_decrypt(election.secret_share(2), other, election.election_id, 2, record.size, record.root)
    digest = other.digest(election.election_id)
    election.edit(at, units=[list(unit) for unit in units], aggregates=digest, points=points, proof=proof)
    return published(election, at)


@attack("V20")
def a_withheld_unit_that_is_decrypted() -> Tampered:
    return _decrypted_as(["town", "hills"], ["island"])


@attack("V20")
def a_unit_decrypted_both_alone_and_merged() -> Tampered:
    return _decrypted_as(["town", "hills"], ["town"])


@attack("V20")
def a_merged_unit_decrypted_apart() -> Tampered:
    return _decrypted_as(["town"], ["hills"])


def _small_result(change: Any) -> Tampered:
    election = small_districts()
    election.decrypt(1, 3)
    at = election.result()
    units = members(election, at)["units"]
    change(units)
    election.edit(at, units=units)
    return published(election, at)


@attack("V20")
def a_unit_reported_both_alone_and_merged() -> Tampered:
    def change(units: list[Any]) -> None:
        units.insert(1, {**units[0], "districts": ["town"], "counted": 2})

    return _small_result(change)


@attack("V20")
def a_withheld_unit_that_is_reported() -> Tampered:
    def change(units: list[Any]) -> None:
        counts = [{"contest": "mayor", "counts": [1, 0]}]
        units[1].update(state="reported", contests=counts)

    return _small_result(change)


@attack("V19")
def a_withheld_unit_with_counts_beside_it() -> Tampered:
    def change(units: list[Any]) -> None:
        units[1]["contests"] = [{"contest": "mayor", "counts": [1, 0]}]

    return _small_result(change)
