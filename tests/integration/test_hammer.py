"""The load hammer against a real server: overload is told so, nothing is lost, what is measured was verified."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.hammer.__main__ import measure
from benchmarks.hammer.audit import audit
from benchmarks.hammer.ballots import Trial, make_trial
from benchmarks.hammer.hammer import Cast, Run, hammer
from benchmarks.hammer.servers import running
from retally_crypto.engine import engine
from retally_crypto.errors import RetallyError, Unusable

VOTERS = 300 if engine.NAME == "native" else 20


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Trial:
    return make_trial(tmp_path_factory.mktemp("hammer") / "trial", VOTERS, options=3)


def test_beyond_what_it_can_do_a_server_says_so_and_nothing_is_lost(trial: Trial) -> None:
    # A queue of four is beyond its limit at once: whoever is told to come again does, with the same bytes.
    measured = measure(trial, [None], 30, None, 1, 4)
    (row,) = measured["rows"]
    assert row["acknowledged"] == len(trial.ballots) == measured["accepted on the board"]
    assert row["answers"]["503"] > 0
    assert row["503 without Retry-After"] == 0
    assert row["refused"] == 0
    assert set(row["answers"]) <= {"200", "201", "503"}
    assert measured["failed checks"] == []


def test_the_audit_after_a_run_finds_what_is_lost(trial: Trial, tmp_path: Path) -> None:
    trial.install(tmp_path / "data")
    with running(tmp_path / "data", {}, tmp_path / "log") as server:
        trial.set_up(server.address)
        answers = measure_few(trial, server.address)
        assert audit(trial, server.address, [answers]).acknowledged == 5
        twice = Run(None, 1, [*answers.casts, answers.casts[0]])
        with pytest.raises(Unusable, match="two ballots have receipts for index"):
            audit(trial, server.address, [twice])
        moved = Cast(9, 0.0, receipt=answers.casts[0].receipt)
        with pytest.raises(RetallyError):
            audit(trial, server.address, [Run(None, 1, [moved])])


def measure_few(trial: Trial, address: str) -> Run:
    """Five first ballots, one after the other."""
    run = hammer(trial, address, range(5), None, 1)
    assert len(run.acknowledged) == 5
    return run
