"""The benchmark beside the peers: how measured times become figures, a table and a page. Nothing is measured here."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.peers.__main__ import Contender, take_turns
from benchmarks.peers.belenios_peer import WITH_BLANK, WITHOUT_BLANK, Case, Tool, forge
from benchmarks.peers.electionguard_peer import read as read_electionguard
from benchmarks.peers.environment import DEFAULT, FOLDER, LOCK, Unavailable
from benchmarks.peers.figures import (
    BELENIOS,
    ELECTIONGUARD,
    RETALLY,
    Absent,
    Measurement,
    fastest,
    page,
    slope,
    table,
    times,
    times_by_round,
    verdicts,
)
from benchmarks.peers.retally_side import read as read_retally

MACHINE = {"date": "2026-01-01", "processor": "some", "cores": 2, "system": "some", "python": "3.11"}


def measured(system: str, microseconds: float, cores: int = 1, step: str = "verify", **rest: Any) -> Measurement:
    given = {"rounds": [microseconds, 2 * microseconds], "loads": [0.0, 1.0], **rest}
    return Measurement(system, "1.0", step, cores, 12, 10, microseconds, **given)


def retally_found(board: float, batch: float) -> dict[str, Any]:
    steps = {"verify a board's range": board, "verify in a batch": batch, "verify singly": 70.0}
    raw = {"raw decompressions": 20.0, "raw multi-scalar multiplication": 40.0}
    run = {"version": "1.0", "engine": "native", "ballots": 10, "selections": 120}
    return {**run, "microseconds_per_selection": {**steps, **raw}}


def electionguard_found(alone: float, together: float) -> dict[str, Any]:
    return {
        "version": "1.4.0",
        "gmpy2": "2",
        "ballots": 5,
        "selections_per_ballot": 12,
        "seconds_alone": alone,
        "processes": 2,
        "seconds_together": together,
        "exponentiations_per_ballot": 100,
        "seconds_per_exponentiation": 0.001,
    }


def test_starting_up_drops_out_of_the_slope() -> None:
    for startup in (0.0, 0.3, 100.0):
        assert slope((4, startup + 4 * 0.07), (36, startup + 36 * 0.07)) == pytest.approx(0.07)


@pytest.mark.parametrize(("few", "many"), [((4, 1.0), (4, 2.0)), ((5, 1.0), (4, 2.0)), ((4, 1.0), (8, 1.0))])
def test_no_slope_comes_from_fewer_ballots_or_from_noise(few: tuple[int, float], many: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="ballots"):
        slope(few, many)


def test_a_peer_is_compared_by_its_fastest_whole_verification_on_as_many_cores() -> None:
    rows = [
        measured(RETALLY, 50, step="whole"),
        measured(RETALLY, 40, step="part", compared=False),
        measured(RETALLY, 25, cores=2),
        measured(BELENIOS, 6000, step="slow"),
        measured(BELENIOS, 5000, step="fast"),
        measured(BELENIOS, 2500, cores=2),
    ]
    best = fastest(rows, BELENIOS, 1)
    assert best is not None
    assert best.step == "fast"
    assert [times(rows, one) for one in rows] == [1, 0.8, 1, 120, 100, 100]
    assert fastest(rows, ELECTIONGUARD, 1) is None
    assert times(rows[3:], rows[3]) is None
    assert [one.core_microseconds for one in rows[1:3]] == [40, 50]


def test_the_aims_are_judged_as_measured() -> None:
    rows = [measured(RETALLY, 50), measured(ELECTIONGUARD, 14_999, rounds=[30_000.0, 14_999.0])]
    missed, absent = verdicts(rows)
    assert "**300 times**" in missed
    assert "is NOT met" in missed
    assert "not measured" in absent
    assert times_by_round(rows, rows[1]) == [600, 149.99]
    assert "150 to 600" in missed
    assert "is met" in verdicts([rows[0], measured(ELECTIONGUARD, 15_000)])[0]
    assert all("not measured" in line for line in verdicts(rows[1:]))


def test_the_table_lines_up() -> None:
    rows = [
        measured(RETALLY, 50),
        measured(RETALLY, 7, compared=False),
        measured(ELECTIONGUARD, 40_000, details={"a": 1}),
    ]
    lines = table(rows).splitlines()
    assert len(lines) == 2 + len(rows)
    assert len({len(line) for line in lines}) == 1
    assert len({tuple(at for at, sign in enumerate(line) if sign == "|") for line in lines}) == 1
    ratios = [line.split("|")[-3].strip() for line in lines[2:]]
    assert ratios == ["1", "", "800"]


def test_the_page_names_who_is_absent_and_why() -> None:
    rows = [measured(RETALLY, 50), measured(ELECTIONGUARD, 40_000, details={"exponentiations": 189})]
    text = page(MACHINE, rows, [Absent(BELENIOS, "no such package")])
    assert f"Not measured: {BELENIOS}: no such package" in text
    assert "exponentiations 189" in text
    assert "batches are of 10 ballots" in text
    assert table(rows) in text


def test_retally_is_compared_with_reading_included() -> None:
    found = [retally_found(9, 50), retally_found(8, 60)]
    whole, *parts = read_retally(2, found, [0.0, 0.5])
    assert (whole.microseconds_per_selection, whole.rounds, whole.cores) == (8, [9, 8], 2)
    assert whole.selections_per_ballot == 12
    assert whole.compared
    assert not any(part.compared for part in parts)
    assert {part.step: part.microseconds_per_selection for part in parts}["verify in a batch"] == 50


def test_electionguards_times_are_divided_by_all_its_processes_verified() -> None:
    alone, together = read_electionguard([electionguard_found(1.2, 1.8), electionguard_found(0.6, 1.2)], [0.0, 0.0])
    assert alone.microseconds_per_selection == pytest.approx(10_000)
    assert alone.rounds == pytest.approx([20_000, 10_000])
    assert together.microseconds_per_selection == pytest.approx(10_000)
    assert (alone.ballots, together.ballots, together.cores) == (5, 10, 2)
    assert alone.details["percent of the time in them"] == pytest.approx(100 * 0.1 * 5 / 0.6)


def test_belenios_is_the_slope_of_the_best_times() -> None:
    tool = Tool(FOLDER, FOLDER)
    case = Case("GROUP", WITH_BLANK, 4, 28, tool, tool, [1])
    case.times[1] = [(0.5, 1.7 + 0.24), (0.9, 1.7)]
    (row,) = case.result("2.0", [0.0, 0.0])
    assert row.microseconds_per_selection == pytest.approx(1e6 * 1.2 / 24 / 12)
    assert row.rounds == pytest.approx([1e6 * 1.44 / 24 / 12, 1e6 * 0.8 / 24 / 12])
    assert row.details["ms subtracted as start-up"] == pytest.approx(300)


def test_both_questions_ask_for_one_of_eleven_or_nothing() -> None:
    for question, bits in ((WITH_BLANK, 12), (WITHOUT_BLANK, 11)):
        (asked,) = json.loads(question.template())["questions"]
        (choice,) = json.loads(question.choice(10))
        assert (len(asked["answers"]), asked["max"], question.bits) == (11, 1, bits)
        assert asked.get("blank", False) is (asked["min"] == 1)
        assert (len(choice), sum(choice), choice[-1]) == (bits, 1, 1)


def test_a_forged_ballot_differs_in_one_response_only() -> None:
    proof = [{"challenge": "12", "response": "349"}, {"challenge": "56", "response": "78"}]
    honest = {"answers": [{"individual_proofs": [proof]}], "signature": {}}
    forged = json.loads(forge(json.dumps(honest)))
    assert forged["answers"][0]["individual_proofs"][0][0]["response"] == "340"
    forged["answers"][0]["individual_proofs"][0][0]["response"] = "349"
    assert forged == honest


class Someone:
    """A contender that fails at a given point."""

    def __init__(self, system: str, fails: str = "") -> None:
        self.system, self.fails, self.rounds = system, fails, 0
        self.at("making")

    def at(self, point: str) -> None:
        if point == self.fails:
            raise Unavailable(f"failed at {point}")

    def round(self) -> None:
        self.rounds += 1
        self.at(f"round {self.rounds}")

    def result(self) -> list[Measurement]:
        self.at("result")
        return [measured(self.system, self.rounds)]


@pytest.mark.parametrize("point", ["making", "round 1", "round 2", "result"])
def test_who_fails_is_named_and_the_rest_is_measured(point: str) -> None:
    makers: dict[str, Callable[[], Contender]] = {
        "first": lambda: Someone("first", point),
        "second": lambda: Someone("second"),
    }
    ready, rows, absent = take_turns(makers, 3, lambda text: None)
    assert list(ready) == ["second"]
    assert rows == [measured("second", 3)]
    assert absent == [Absent("first", f"failed at {point}")]


def test_electionguards_environment_is_locked_by_version_and_hash_without_addresses() -> None:
    asked = [line for line in (FOLDER / "electionguard.in").read_text().splitlines() if not line.startswith("#")]
    text = LOCK.read_text()
    blocks = re.split(r"\n(?=[a-z])", text.strip())
    assert "://" not in text
    assert [block.split(" ")[0] for block in blocks] == sorted(asked)
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_peers_live_in_a_folder_that_git_ignores() -> None:
    project = FOLDER.parents[1]
    assert f"/{DEFAULT.relative_to(project)}/" in (project / ".gitignore").read_text().splitlines()
