"""The `retally` command: what anyone needs at the top, each official's commands under the official's name.

Other distributions add commands through the entry points `retally.commands`, as retally-lab does with `retally lab`:
nothing here imports them unless they are asked for.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import typer

from retally_verify.cli import COMMANDS as VERIFIER
from retally_verify.cli import EXIT_CODES, run, version_line
from retally_verify.command_table import OnUse, group, listed

VOTER = (
    OnUse(
        "vote",
        "retally_client.voter.commands:vote",
        "Vote: choose, encrypt, note the tracking code, then test the ballot or cast it, and keep the receipt.",
    ),
    OnUse(
        "check",
        "retally_client.voter.commands:check",
        "Recompute a tested ballot on another device: does it hold the choices it claims, under the code you noted?",
    ),
    OnUse("track", "retally_client.voter.commands:track", "What became of a ballot."),
    OnUse(
        "adjudicate",
        "retally_client.adjudication.commands:adjudicate",
        "Say whom a file of evidence proves at fault, asking nobody.",
    ),
)

AUTHORITY = group(
    "Manifest, opening, closing, paper counts and result.",
    OnUse("init", "retally_client.authority.commands:init", "Make the authority's key; prints its verifier key."),
    OnUse(
        "manifest",
        "retally_client.authority.commands:manifest",
        "Check a manifest written in YAML, sign it, and print the election id.",
    ),
    OnUse(
        "bundle",
        "retally_client.authority.commands:bundle",
        "Print the digest of a build of the web client, as the manifest names it.",
    ),
    OnUse(
        "create",
        "retally_client.authority.commands:create",
        "Create the election on the server that holds its board key.",
    ),
    OnUse(
        "open",
        "retally_client.authority.commands:open_voting",
        "Open voting: publish the joint key and the roll's digest.",
    ),
    OnUse("close", "retally_client.authority.commands:close", "Close voting."),
    OnUse(
        "paper",
        "retally_client.authority.commands:paper",
        "Enter paper counts, after a look at their sums.",
    ),
    OnUse(
        "publish",
        "retally_client.authority.commands:publish",
        "Publish the result that follows from the board; every verifier recomputes it.",
    ),
)

GUARDIAN = group(
    "Key ceremony and decryption.",
    OnUse(
        "init",
        "retally_client.guardian.commands:init",
        "Make this guardian's signing key; prints the verifier key for the manifest.",
    ),
    OnUse(
        "step",
        "retally_client.guardian.commands:step",
        "Do whatever the key ceremony asks of this guardian now, and say what comes next.",
    ),
    OnUse("status", "retally_client.guardian.commands:status", "How far the ceremony and the decryption are."),
    OnUse(
        "decrypt",
        "retally_client.guardian.commands:decrypt",
        "Verify the whole board, then decrypt its sums with this guardian's share: once, and never again.",
    ),
)

REGISTRAR = group(
    "Voters' codes, the roll, and its changes.",
    OnUse(
        "init",
        "retally_client.registrar.commands:init",
        "Make this registrar's signing key; prints the verifier key for the manifest.",
    ),
    OnUse("order", "retally_client.registrar.commands:order", "Shuffle the voters once."),
    OnUse(
        "codes",
        "retally_client.registrar.commands:codes",
        "Draw a code for every voter: an encrypted file to keep, and a readable list to print and then destroy.",
    ),
    OnUse(
        "commit",
        "retally_client.registrar.commands:commit",
        "Publish the commitment to this registrar's part of the roll.",
    ),
    OnUse(
        "roll",
        "retally_client.registrar.commands:roll",
        "Publish this registrar's part of the roll, once all have committed.",
    ),
    OnUse(
        "revoke",
        "retally_client.registrar.commands:revoke",
        "Draft the revocation of a credential with which nobody has voted.",
    ),
    OnUse(
        "replace",
        "retally_client.registrar.commands:replace",
        "Draft new codes for a voter who has not voted.",
    ),
    OnUse(
        "part",
        "retally_client.registrar.commands:part",
        "Add this registrar's part to a replacement, and write the voter's new code to a private file.",
    ),
    OnUse(
        "sign",
        "retally_client.registrar.commands:sign",
        "Sign a draft, after looking up in one's own codes whose credential it changes.",
    ),
    OnUse(
        "submit",
        "retally_client.registrar.commands:submit",
        "Publish a draft that all registrars have signed.",
    ),
)

OTHERS = "retally.commands"
"""The entry points of other distributions' commands: a name, and where its function or its `Typer` stands."""


@cache
def _of_others() -> dict[str, OnUse]:
    # Looking through every installed distribution takes longer than the rest of the start: only for a name that is not
    # ours, and for a list of all names.
    from importlib.metadata import entry_points

    return {found.name: OnUse(found.name, found.value, "") for found in entry_points(group=OTHERS)}


class Retally(listed(*VERIFIER, *VOTER)):  # type: ignore[misc]
    """Our own commands, and then those of other distributions."""

    def list_commands(self, ctx: Any) -> list[str]:
        ours = list(self.commands)
        return [*ours, *(name for name in sorted(_of_others()) if name not in ours)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name in self.commands:
            return self.commands[cmd_name]
        other = _of_others().get(cmd_name)
        return None if other is None else other.load()


app = typer.Typer(
    name="retally",
    cls=Retally,
    help=f"Elections whose online count anyone can redo. {EXIT_CODES}",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(AUTHORITY, name="authority")
app.add_typer(GUARDIAN, name="guardian")
app.add_typer(REGISTRAR, name="registrar")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_line("retally", "retally-client"))
        raise typer.Exit


@app.callback()
def retally(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="version and engine in use")
    ] = False,
) -> None:
    """Elections whose online count anyone can redo."""


def main() -> None:
    """Entry point of the `retally` command."""
    run(app)


if __name__ == "__main__":
    main()
