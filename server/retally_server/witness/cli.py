"""The `retally-witness` command: make a key, name the logs to watch, serve.

Everything is in one data folder: `witness.key` and `witness.sqlite`. Exit code 3 when a command cannot run.
"""

import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import SecretStr

from retally_crypto.checkpoints import Checkpoint
from retally_crypto.engine import engine
from retally_crypto.errors import RetallyError, Unusable
from retally_crypto.merkle import EMPTY_ROOT
from retally_crypto.notes import ED25519, format_vkey, parse_vkey
from retally_server import logs as server_logs
from retally_server.announcing import AnnouncingServer
from retally_server.witness.app import create_witness
from retally_server.witness.keys import make_witness_key, read_witness_key
from retally_server.witness.store import Store

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
log = typer.Typer(no_args_is_help=True, help="The logs that this witness cosigns.")
app.add_typer(log, name="log")

Data = Annotated[
    Path, typer.Option("--data", envvar="RETALLY_WITNESS_DATA", help="Folder of the key and the database.")
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        envvar="RETALLY_WITNESS_PASSPHRASE_FILE",
        help="Its first line encrypts a new key and opens an encrypted one.",
    ),
]
_DATA = Path("retally-witness-data")


@app.callback()
def _witness() -> None:
    """A witness of transparency logs (c2sp.org/tlog-witness): cosigns what only grew."""


@app.command()
def key(
    name: Annotated[str, typer.Argument(help="The witness's name, for example witness.example/observers.")],
    data: Data = _DATA,
    passphrase_file: PassphraseFile = None,
) -> None:
    """Makes the witness's key and prints the line that a manifest names under `witnesses`. Never replaces one."""
    try:
        made = make_witness_key(data / "witness.key", name, _passphrase(passphrase_file))
    except (RetallyError, OSError) as error:
        raise _cannot(f"No key was made: {error}") from error
    if passphrase_file is None:
        typer.echo("The key file is not encrypted; only its owner can read it.", err=True)
    typer.echo(format_vkey(made))


@log.command("add")
def add_log(
    vkey: Annotated[str, typer.Argument(help="The log's verifier key; for a board, the one in its manifest.")],
    origin: Annotated[
        str | None, typer.Option("--origin", help="The log's origin, if it is not the key's name.")
    ] = None,
    data: Data = _DATA,
) -> None:
    """Cosign this log's checkpoints from now on. Check the key with the log's owner, not with its server."""
    try:
        parsed = parse_vkey(vkey)
        if parsed.algorithm != ED25519 or not engine.valid_ed25519_key(parsed.public_key):
            raise Unusable(f"{parsed.name}: the key of a log is an Ed25519 key of signature type 1")
        named = Checkpoint(origin or parsed.name, 0, EMPTY_ROOT).origin
        store = Store(data / "witness.sqlite")
    except (RetallyError, OSError) as error:
        raise _cannot(f"The log was not added: {error}") from error
    store.add_log(named, parsed)
    store.close()
    typer.echo(f"{named} will be cosigned")


@log.command("list")
def list_logs(data: Data = _DATA) -> None:
    """Every known log, with the size of the latest checkpoint cosigned and how many contradicting ones are kept."""
    try:
        store = Store(data / "witness.sqlite")
    except (RetallyError, OSError) as error:
        raise _cannot(f"The logs cannot be listed: {error}") from error
    seen = store.seen()
    for origin, each in store.logs():
        size = seen[origin].size if origin in seen else 0
        typer.echo(f"{format_vkey(each)} {origin} {size} {len(store.evidence(origin))}")
    store.close()


@app.command()
def serve(
    data: Data = _DATA,
    passphrase_file: PassphraseFile = None,
    host: Annotated[str, typer.Option("--host", envvar="RETALLY_WITNESS_HOST")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", envvar="RETALLY_WITNESS_PORT", min=0, max=65535)] = 8010,
    log_level: Annotated[str, typer.Option("--log-level", help="debug, info, warning or error")] = "info",
) -> None:
    """Runs the witness until it is interrupted."""
    if log_level not in ("debug", "info", "warning", "error"):
        raise _cannot(f"The log level {log_level} is none of debug, info, warning, error")
    server_logs.configure(log_level)
    try:
        witness_key = read_witness_key(data / "witness.key", _passphrase(passphrase_file))
        store = Store(data / "witness.sqlite")
        store.serve_alone()
    except (RetallyError, OSError) as error:
        raise _cannot(f"The witness does not start: {error}") from error
    configuration = uvicorn.Config(
        create_witness(store, witness_key, time.time),
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Longer than the boards that ask keep a connection: else a request meets one that is just being closed.
        timeout_keep_alive=75,
        timeout_graceful_shutdown=10,
    )
    server = AnnouncingServer(configuration)
    server.run()
    store.close()
    if not server.started:
        raise typer.Exit(3)


def _passphrase(file: Path | None) -> SecretStr | None:
    return None if file is None else SecretStr(file.read_text(encoding="utf-8").split("\n", 1)[0])


def _cannot(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(3)


def main() -> None:
    """Entry point of the command."""
    app(prog_name="retally-witness")


if __name__ == "__main__":
    main()
