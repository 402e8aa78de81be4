"""What people and programs see: aligned text, colour only on a terminal, progress on standard error, JSON on
request."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from typer.exceptions import TyperException

from retally_crypto.errors import BadProof, BadSignature, Refused, RetallyError
from retally_verify.exit_codes import COULD_NOT_RUN, REFUSED
from retally_verify.joiners import joins

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

P = ParamSpec("P")
R = TypeVar("R")


def print_json(value: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def plain(text: str) -> str:
    """The text without control characters other than newlines: what a stranger wrote must not steer a terminal.

    Joiners between two letters stay, for a Persian name is not readable without them.
    """
    return "".join(
        letter if letter == "\n" or letter.isprintable() or joins(text, at) else "\ufffd"
        for at, letter in enumerate(text)
    )


def fail(message: str, code: int = COULD_NOT_RUN) -> NoReturn:
    """Says what is wrong on standard error and ends with `code`."""
    err.print(f"retally: {plain(message)}", style="red" if err.is_terminal else "", markup=False)
    raise typer.Exit(code)


def plain_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turns exceptions into one line and an exit code (RETALLY_DEBUG=1: a traceback).

    A fault of this program ends with 3 as well: Python's own 1 would read as FAIL. Its text may hold a secret and is
    not shown.
    """

    @wraps(command)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, TyperException):
            raise
        except Exception as error:
            if os.environ.get("RETALLY_DEBUG") == "1":
                raise
            if not isinstance(error, RetallyError | OSError):
                fail(f"a fault in this program ({type(error).__name__}); RETALLY_DEBUG=1 shows where")
            refused = isinstance(error, Refused | BadProof | BadSignature)
            fail(str(error), REFUSED if refused else COULD_NOT_RUN)

    return guarded


class Bar:
    """A bar on standard error (`progress.Progress`)."""

    def __init__(self, bar: Progress, title: str) -> None:
        self._bar = bar
        self._task = bar.add_task(title, total=None)

    def begin(self, total: int) -> None:
        self._bar.update(self._task, total=total)

    def advance(self, by: int) -> None:
        self._bar.advance(self._task, by)

    def stage(self, title: str, total: int | None = None) -> None:
        self._bar.reset(self._task, description=title, total=total)


@contextmanager
def progress(title: str) -> Iterator[Bar]:
    """A progress bar while the block runs; silent when standard error is no terminal."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    ) as bar:
        yield Bar(bar, title)
