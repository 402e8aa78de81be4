"""`retally-server doctor`."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from retally_crypto.errors import RetallyError
from retally_crypto.replay import Record
from retally_server.operator.doctor import examine, exit_code
from retally_server.settings import Settings

_COLOURS = {"well": "green", "warning": "yellow", "wrong": "bold red"}

Deep = Annotated[bool, typer.Option("--deep", help="Read every entry and tile of every board.")]
AskWitnesses = Annotated[bool, typer.Option("--witnesses", help="Ask every witness of every board.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object.")]


def look(settings: Settings, deep: bool, witnesses: bool, as_json: bool) -> int:
    """Prints what was found and returns the exit code: 0 well, 1 wrong, 2 warnings only, 3 could not look."""
    try:
        findings = list(examine(settings, Record, deep, witnesses))
    except (RetallyError, OSError) as error:
        typer.echo(f"The installation cannot be looked at: {error}", err=True)
        return 3
    code = exit_code(findings)
    if as_json:
        typer.echo(json.dumps({"exit": code, "findings": [asdict(finding) for finding in findings]}, indent=2))
        return code
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in findings:
        colour = _COLOURS[finding.state]
        table.add_row(f"[{colour}]{finding.state}[/{colour}]", escape(finding.subject), escape(finding.found))
    Console(highlight=False, soft_wrap=True).print(table)
    return code
