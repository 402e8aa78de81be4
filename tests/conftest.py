"""Elections shared by all tests of a session. Tests that tamper take a `copy()` or the board `before()` a kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from retally_crypto.engine import choose_engine_from_environment
from retally_lab.boards.election import MAYOR, Election, district
from retally_lab.postgresql_cluster import ABSENT
from tests.databases import DATABASES

choose_engine_from_environment()

JUDGES = ("bin/judges", "bin/fsck", "bin/litewitness", "python/bin/python")


def cast_all(election: Election) -> None:
    """Six voters of whom five vote, one of them twice, and a blank vote that is superseding."""
    election.cast("north-1", [[1, 0, 0], [3, 0]])
    election.cast("north-2", [[0, 1, 0], [1, 2]])
    election.cast("south-1", [[0, 0, 1]])
    election.cast("north-1", [[0, 0, 0], [0, 3]])
    election.cast("south-2", [[0, 0, 1]])
    election.cast("south-3", [[1, 0, 0]])


def finished_election(witness_count: tuple[int, int]) -> Election:
    """An election with so many witnesses, the first number being the quorum, in which everyone was honest."""
    election = Election.create(witness_count=witness_count)
    election.ceremony()
    election.roll()
    election.open()
    cast_all(election)
    election.close()
    election.decrypt(2, 3)
    election.result()
    return election


@pytest.fixture(scope="session")
def honest_election() -> Election:
    """A finished election in which everyone was honest: to be read, never changed."""
    election = Election.create()
    election.ceremony()
    election.roll()
    election.open()
    cast_all(election)
    election.close()
    election.paper("north", "mayor", [10, 20, 30])
    election.decrypt(1, 3)
    election.result()
    return election


@pytest.fixture(scope="session")
def witnessed() -> Election:
    """A small election with three witnesses, decrypted: to be read, never changed."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1), witness_count=(2, 3)
    )
    election.ceremony()
    election.roll()
    election.open()
    election.cast("north-1", [[1, 0, 0]])
    election.cast("north-2", [[0, 1, 0]])
    election.close()
    election.decrypt(1)
    return election


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs on either database; its name. A module asks for it with `usefixtures`."""
    if request.param == "postgresql" and ABSENT is not None:
        pytest.skip(ABSENT)
    with DATABASES.use(request.param):
        yield request.param


@pytest.fixture
def on_postgresql() -> Iterator[None]:
    """The test runs on PostgreSQL only."""
    if ABSENT is not None:
        pytest.skip(ABSENT)
    with DATABASES.use("postgresql"):
        yield


def pytest_sessionfinish() -> None:
    """The tests' PostgreSQL ends with them."""
    DATABASES.end()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly which third-party judges of the log were missing."""
    folder = Path(__file__).parents[1] / ".venv" / "judges"
    absent = [name for name in JUDGES if not (folder / name).exists()]
    if ABSENT is not None:
        terminalreporter.write_line(f"Tests on PostgreSQL did not run: {ABSENT}")
    if absent:
        terminalreporter.write_line(f"Third-party judges that did not run: {', '.join(absent)} (scripts/judges.sh)")
