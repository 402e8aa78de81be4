"""The `retally-verify` command: what an auditor needs, and nothing of any other role.

    retally-verify policy https://host/elections/name -o policy     compare the election id it prints
    retally-verify verify https://host/elections/name -p policy     every check, the counts, one verdict
    retally-verify mirror https://host/elections/name FOLDER -p policy --follow --verify

`retally verify` and its like are the same commands.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from retally_crypto.engine import choose_engine_from_environment, engine
from retally_crypto.errors import Unusable
from retally_verify.command_table import OnUse, listed
from retally_verify.exit_codes import COULD_NOT_RUN

EXIT_CODES = "Exit codes: 0 done or PASS, 1 refused or FAIL, 2 INCOMPLETE, 3 could not run."

COMMANDS = (
    OnUse(
        "verify",
        "retally_verify.commands:verify",
        "Recompute the whole election from its public files: V01 to V21, the counts, and one verdict.",
    ),
    OnUse(
        "mirror",
        "retally_verify.watch_commands:mirror",
        "Download a board into FOLDER, verified to its checkpoint; an earlier mirror is continued.",
    ),
    OnUse("gossip", "retally_verify.watch_commands:gossip", "Compare what two copies or hosts show of one board."),
    OnUse("evidence", "retally_verify.watch_commands:evidence", "Check somebody's evidence of a split view."),
    OnUse(
        "policy",
        "retally_verify.commands:policy",
        "Write the trust policy of a manifest that you have checked by other means (compare the election id).",
    ),
)

app = typer.Typer(
    name="retally-verify",
    cls=listed(*COMMANDS),
    help=f"Recount an election from its public files. {EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def version_line(program: str, distribution: str) -> str:
    """What `--version` prints: program, version, and the engine in use with its version."""
    # Reading a distribution's metadata takes longer than the rest of this program's start.
    from importlib.metadata import version

    return f"{program} {version(distribution)} ({engine.NAME} engine {engine.VERSION})"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_line("retally-verify", "retally-verify"))
        raise typer.Exit


@app.callback()
def retally_verify(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="version and engine in use")
    ] = False,
) -> None:
    """Recount an election from its public files."""


def run(program: typer.Typer) -> None:
    """Runs a program of ours on the engine that the environment names, which is chosen here and nowhere else."""
    try:
        choose_engine_from_environment()
    except Unusable as error:
        sys.stderr.write(f"retally: {error}\n")
        sys.exit(COULD_NOT_RUN)
    program()


def main() -> None:
    """Entry point of the `retally-verify` command."""
    run(app)


if __name__ == "__main__":
    main()
