"""Elections shared by all tests of a session. Tests that tamper take a `copy()` or the board `before()` a kind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.boards import Election

JUDGES = ("bin/judges", "bin/fsck", "bin/litewitness", "python/bin/python")


def cast_all(election: Election) -> None:
    """Six voters of whom five vote, one of them twice, and a blank vote that is superseding."""
    election.cast("north-1", [[1, 0, 0], [3, 0]])
    election.cast("north-2", [[0, 1, 0], [1, 2]])
    election.cast("south-1", [[0, 0, 1]])
    election.cast("north-1", [[0, 0, 0], [0, 3]])
    election.cast("south-2", [[0, 0, 1]])
    election.cast("south-3", [[1, 0, 0]])


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


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly which third-party judges of the log were missing."""
    folder = Path(__file__).parents[1] / ".venv" / "judges"
    absent = [name for name in JUDGES if not (folder / name).exists()]
    if absent:
        terminalreporter.write_line(f"Third-party judges that did not run: {', '.join(absent)} (scripts/judges.sh)")
