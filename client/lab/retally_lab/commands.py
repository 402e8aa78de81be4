"""`retally lab …`"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from retally_lab.demo import run_demo
from retally_lab.replay import NOTICE, SCALES
from retally_lab.serve import serve as serve_trial
from retally_verify.commands import AsJson
from retally_verify.console import fail, plain_errors, print_json
from retally_verify.exit_codes import COULD_NOT_RUN, DONE, REFUSED


@plain_errors
def demo(
    scale: Annotated[int, typer.Option(metavar="NUMBER", help="1, 100 or 500: one ballot for so many")] = 500,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="a folder that is not there yet; default: demo-TIME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Re-enact the disputed count of 2021 with real encryption over a real server, verify it, and catch a fraud."""
    if scale not in SCALES:
        fail(f"there is no scale {scale}; there are {', '.join(map(str, SCALES))}")
    place = _new_folder(folder)
    done = run_demo(place, scale)
    if as_json:
        print_json(
            {
                "notice": NOTICE,
                "folder": str(place),
                "counts_equal_published": done.equal,
                "verdict": done.verdict,
                "altered_board_fails": list(done.refused_by),
            }
        )
    raise typer.Exit(DONE if done.succeeded else REFUSED)


@plain_errors
def serve(
    port: Annotated[
        int, typer.Option(metavar="NUMBER", help="where to listen on 127.0.0.1; 0 takes a free one")
    ] = 8080,
    voters: Annotated[int, typer.Option(metavar="NUMBER", min=1, max=1000, help="how many voters get codes")] = 3,
    folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="a folder that is not there yet; default: demo-TIME")
    ] = None,
    web: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="a build of the web client, to vote and verify in a browser")
    ] = None,
    results: Annotated[bool, typer.Option(help="also make a finished election, to look at its results")] = True,
) -> None:
    """Run a small election, open for voting, and print the voters' links. Every key is in one place: a trial."""
    serve_trial(_new_folder(folder), port, voters, web, results)


def _new_folder(folder: Path | None) -> Path:
    place = folder or Path(time.strftime("demo-%Y%m%d-%H%M%S"))
    if place.exists():
        fail(f"{place} is there already: name another folder", COULD_NOT_RUN)
    place.mkdir(parents=True)
    return place
