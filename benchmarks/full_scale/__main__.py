"""`python -m benchmarks.full_scale make|close|recount FOLDER`: see `make` and `recount`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.full_scale.make import close_board, make_ballots
from benchmarks.full_scale.recount import recount as measured
from benchmarks.full_scale.recount import write
from retally_lab.replay import load_replay
from retally_verify.console import err, progress

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
Folder = Annotated[Path, typer.Argument(help="where the boards are; made by `make`")]
Scale = Annotated[int, typer.Option(help="1, 100 or 500: how many of the published votes one ballot stands for")]


def _say(line: str) -> None:
    err.print(line, markup=False)


@app.command()
def make(folder: Folder, scale: Scale = 1) -> None:
    """Make the election and all its ballots: a new folder, some 4.9 kB a ballot."""
    replay = load_replay(scale)
    with progress("making ballots") as bar:
        bar.begin(len(replay.ballots))
        make_ballots(folder, replay, _say, bar.advance)


@app.command()
def close(folder: Folder, ballots: list[int], scale: Scale = 1) -> None:
    """Close boards with so many of the first ballots: guardians verify and decrypt, the authority publishes."""
    replay = load_replay(scale)
    for size in ballots:
        close_board(folder, replay, min(size, len(replay.ballots)), _say)


@app.command()
def recount(folder: Folder, ballots: list[int]) -> None:
    """Measure `retally verify` of closed boards with so many ballots; writes benchmarks/full_scale.json."""
    for size in ballots:
        made = measured(folder, size)
        write(made)
        _say(f"{size:,} ballots: {made.from_nothing}, again: {made.again}")


@app.command(name="cluster")
def on_a_cluster(folder: Folder, ballots: int) -> None:
    """Measure one closed board with one worker and with two, which are started here."""
    from benchmarks.full_scale.speed_up import speed_up

    _say(str(speed_up(folder, ballots)))


if __name__ == "__main__":
    app()
