"""The `retally` command: what anyone needs at the top, each official's commands under the official's name."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from retally_client import __version__
from retally_client.adjudication.commands import adjudicate
from retally_client.authority.commands import app as authority
from retally_client.guardian.commands import app as guardian
from retally_client.registrar.commands import app as registrar
from retally_client.voter import commands as voter
from retally_crypto.engine import choose_engine_from_environment, engine
from retally_crypto.errors import Unusable
from retally_lab.commands import app as lab
from retally_verify import commands as verifier
from retally_verify import watch_commands as watching
from retally_verify.console import COULD_NOT_RUN


@contextmanager
def _usage_is_no_verdict() -> Iterator[None]:
    # Typer ends with 2 after wrong usage and with 1 at an abandoned prompt: here these are INCOMPLETE and FAIL.
    try:
        yield
    except TyperException as error:
        error.exit_code = COULD_NOT_RUN
        raise
    except typer.Abort:
        raise typer.Exit(COULD_NOT_RUN) from None


class Commands(TyperGroup):
    """The commands, with 3 as the exit code of a command line that cannot be run."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _usage_is_no_verdict():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _usage_is_no_verdict():
            return super().invoke(ctx)


app = typer.Typer(
    name="retally",
    cls=Commands,
    help="Elections whose online count anyone can redo. "
    "Exit codes: 0 done or PASS, 1 refused or FAIL, 2 INCOMPLETE, 3 could not run.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retally {__version__} ({engine.NAME} engine {engine.VERSION})")
        raise typer.Exit


@app.callback()
def retally(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="version and engine in use")
    ] = False,
) -> None:
    """Elections whose online count anyone can redo."""


app.command("verify")(verifier.verify)
app.command("mirror")(watching.mirror)
app.command("gossip")(watching.gossip)
app.command("evidence")(watching.evidence)
app.command("policy")(verifier.policy)
app.command("vote")(voter.vote)
app.command("check")(voter.check)
app.command("track")(voter.track)
app.command("adjudicate")(adjudicate)
app.add_typer(authority, name="authority")
app.add_typer(guardian, name="guardian")
app.add_typer(registrar, name="registrar")
app.add_typer(lab, name="lab")


def main() -> None:
    """Entry point of the `retally` command."""
    try:
        choose_engine_from_environment()
    except Unusable as error:
        sys.stderr.write(f"retally: {error}\n")
        sys.exit(COULD_NOT_RUN)
    app()


if __name__ == "__main__":
    main()
