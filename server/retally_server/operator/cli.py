"""The `retally-server` command: run the server, make a board's key."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from pydantic import ValidationError

from retally_crypto.engine import choose_engine_from_environment, engine
from retally_crypto.errors import Malformed, RetallyError, Unusable
from retally_crypto.notes import parse_vkey
from retally_crypto.replay import Record
from retally_server import __version__, logs
from retally_server.announcing import AnnouncingServer
from retally_server.api.address_limits import parse_networks
from retally_server.api.app import create_app
from retally_server.api.connections import bounded_connections
from retally_server.api.metrics import Metrics
from retally_server.board.board_keys import make_board_key, pin_authority, slug_of
from retally_server.board.witness_addresses import read_addresses, set_address
from retally_server.database.store import is_shared
from retally_server.elections import Elections
from retally_server.operator import database_command
from retally_server.operator.doctor_command import AsJson, AskWitnesses, Deep, look
from retally_server.operator.relock import write_lock
from retally_server.processes.workers import inherited, listening, run_workers
from retally_server.settings import Settings, load_settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
board = typer.Typer(no_args_is_help=True, help="Keys of boards.")
app.add_typer(board, name="board")
database = typer.Typer(no_args_is_help=True, help="What the owner of a PostgreSQL database does for it.")
app.add_typer(database, name="database")

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", envvar="RETALLY_CONFIG", help="TOML file of settings; RETALLY_… wins over it."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"retally-server {__version__} ({engine.NAME} engine {engine.VERSION})")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Name version and engine.")
    ] = False,
) -> None:
    """The Retally ballot server: one append-only board per election."""
    del version


@app.command()
def serve(
    config: ConfigFile = None,
    workers: Annotated[
        int, typer.Option(min=1, max=64, envvar="RETALLY_WORKERS", help="Processes; more than one needs PostgreSQL.")
    ] = 1,
    handle: Annotated[int | None, typer.Option("--socket", hidden=True)] = None,
) -> None:
    """Runs the server until it is interrupted. Exit code 3 if it cannot start."""
    settings = _settings(config)
    logs.configure(settings.log_level)
    if workers > 1 and handle is None:
        raise typer.Exit(_serve_by_workers(settings, config, workers))
    sockets = None if handle is None else [inherited(handle)]
    try:
        metrics = Metrics()
        elections = Elections(settings, time.time, Record, metrics.batch)
        try:
            application = create_app(elections, metrics)
        except RetallyError:
            elections.close()
            raise
    except (RetallyError, OSError) as error:
        raise _cannot(f"The server does not start: {error}") from error
    configuration = uvicorn.Config(
        application,
        http=bounded_connections(
            settings.connections, settings.address_connections, parse_networks(settings.trusted_proxies)
        ),
        ws="none",
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_keep_alive=settings.idle_seconds,
        timeout_graceful_shutdown=60,
        lifespan="on",
    )
    server = AnnouncingServer(configuration)
    server.run(sockets)
    elections.close()
    if not server.started:
        raise typer.Exit(3)


def _serve_by_workers(settings: Settings, config: Path | None, workers: int) -> int:
    if not is_shared(settings.database):
        raise _cannot("The server does not start: SQLite has one process; more workers need PostgreSQL")
    command = [sys.executable, "-m", "retally_server.operator.cli", "serve"]
    if config is not None:
        command += ["--config", str(config)]
    environments = [
        {} if settings.metrics_port is None else {"RETALLY_METRICS_PORT": str(settings.metrics_port + place)}
        for place in range(workers)
    ]
    try:
        with listening(settings.host, settings.port) as opened:
            return run_workers([*command, "--socket"], opened, workers, environments)
    except OSError as error:
        raise _cannot(f"The server does not start: {error}") from error


@database.command("migrate")
def migrate_database(config: ConfigFile = None) -> None:
    """Makes the tables, or brings them to the newest shape, as the owner (RETALLY_DATABASE_OWNER_URL)."""
    try:
        database_command.migrate(_settings(config))
    except RetallyError as error:
        raise _cannot(str(error)) from error
    typer.echo("The database has the newest shape.")


@database.command("grant")
def grant_database(
    role: Annotated[str, typer.Argument(help="The role of the running servers, which must exist.")],
    config: ConfigFile = None,
) -> None:
    """Lets the servers' role read and insert, and nothing else, as the owner (RETALLY_DATABASE_OWNER_URL)."""
    try:
        database_command.grant(_settings(config), role)
    except RetallyError as error:
        raise _cannot(str(error)) from error
    typer.echo(f"{role} may read and insert, and nothing else.")


@app.command()
def doctor(
    deep: Deep = False, witnesses: AskWitnesses = False, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """Looks an installation over. Exit code 0: well, 1: something is wrong, 2: warnings only, 3: could not look."""
    logs.configure("error")
    raise typer.Exit(look(_settings(config), deep, witnesses, as_json))


@board.command("new")
def new_board(
    slug: Annotated[str, typer.Argument(help="The board's short name, the last path segment of its origin.")],
    origin_host: Annotated[
        str, typer.Option("--origin-host", help="What comes before it, for example ballots.example or a path under it.")
    ],
    authority: Annotated[
        str | None, typer.Option("--authority", help="Verifier key of the authority whose manifest this board is for.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Makes the key of a new board and prints what the manifest names under `board`. A key is never replaced."""
    settings = _settings(config)
    try:
        passphrase = settings.passphrase()
        expected = None if authority is None else parse_vkey(authority)
        key = make_board_key(settings.keys, slug, origin_host, passphrase)
        if expected is not None:
            pin_authority(settings.keys, slug, expected)
    except (RetallyError, OSError) as error:
        raise _cannot(f"No key was made: {error}") from error
    if expected is None:
        typer.echo("No --authority was named: whoever sends a manifest with this key first has the board.", err=True)
    if passphrase is None:
        typer.echo(
            "The key file is not encrypted; only its owner can read it. Set RETALLY_KEY_PASSPHRASE_FILE.", err=True
        )
    typer.echo(str(key))


@board.command("witness")
def name_witness(
    slug: Annotated[str, typer.Argument(help="The board's short name.")],
    key: Annotated[str, typer.Argument(help="The witness's verifier key, as in the manifest.")],
    address: Annotated[str | None, typer.Argument(help="Its submission prefix, for example https://w.example")] = None,
    forget: Annotated[bool, typer.Option("--forget", help="Forget its address: it is not asked any more.")] = False,
    config: ConfigFile = None,
) -> None:
    """Says where a witness of a board answers: before the manifest is posted, or later when it has moved (restart)."""
    settings = _settings(config)
    if forget == (address is not None):
        raise _cannot("Name either an address or --forget")
    try:
        if slug_of(f"/{slug}") != slug:
            raise Malformed(f"{slug!r} is not the short name of a board")
        set_address(settings.keys, slug, parse_vkey(key), address)
        known = read_addresses(settings.keys, slug)
    except (RetallyError, OSError) as error:
        raise _cannot(f"The address was not kept: {error}") from error
    for witness, each in known.items():
        typer.echo(f"{witness.name} {each}")


@board.command("lock")
def lock_board(
    slug: Annotated[str, typer.Argument(help="The board's short name.")],
    without: Annotated[
        list[str] | None, typer.Option("--without", help="A witness that cannot be asked any more; may be repeated.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Writes a board's lock anew after the lock store was lost. Only if the database is certainly the newest."""
    settings = _settings(config)
    try:
        size = write_lock(settings, slug, tuple(without or ()), Record)
    except (RetallyError, OSError) as error:
        raise _cannot(f"No lock was written: {error}") from error
    typer.echo(f"board {slug}: the lock says {size} entries")


def _settings(config: Path | None) -> Settings:
    try:
        return load_settings(config)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()]
        raise _cannot("The settings are wrong: " + "; ".join(lines)) from error
    except (OSError, ValueError) as error:
        raise _cannot(f"The settings cannot be read: {error}") from error


def _cannot(why: str) -> typer.Exit:
    typer.echo(why, err=True)
    return typer.Exit(3)


def main() -> None:
    """Entry point of the command."""
    try:
        choose_engine_from_environment()
    except Unusable as error:
        sys.stderr.write(f"retally-server: {error}\n")
        sys.exit(3)
    app(prog_name="retally-server")


if __name__ == "__main__":
    main()
