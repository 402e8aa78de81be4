"""`retally verify` and `retally policy`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retally_crypto.engine import engine
from retally_crypto.entries import election_id
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import format_policy, policy_from_manifest
from retally_verify.board import FolderBoard, open_board
from retally_verify.cluster import Cluster
from retally_verify.console import err, out, plain_errors, print_json, progress, say_waiting
from retally_verify.exit_codes import DONE
from retally_verify.first_entry import first_entry
from retally_verify.kept import keep, read_kept
from retally_verify.own_mistakes import own_mistake
from retally_verify.policy_file import load_policy
from retally_verify.range_store import RangeStore, alone_on
from retally_verify.reading import Workers
from retally_verify.report import Report
from retally_verify.report_document import report_json
from retally_verify.report_text import print_report
from retally_verify.run import verify_board
from retally_verify.state_folder import of_board, state_folder
from retally_verify.web_bundle import look_at_web, open_beside

Location = Annotated[
    str, typer.Argument(metavar="URL|FOLDER", help="the board: its address, or a folder with its files")
]
PolicyFile = Annotated[
    Path, typer.Option("--policy", "-p", metavar="FILE", help="trust policy file (retally policy writes one)")
]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document")]

read_policy = load_policy
ENTRY_LIMIT = 65_535
EVIDENCE = "evidence"
"""Where signed checkpoints go that contradict the kept ones: to be shown to others, not compared with."""


def read_small(path: Path, limit: int) -> bytes:
    """A file of at most `limit` bytes; raises Unusable if it is longer."""
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unusable(f"{path} is longer than {limit} bytes")
    return content


def read_text(path: Path, limit: int, encoding: str = "utf-8") -> str:
    """A text file of at most `limit` bytes; raises Unusable if it is longer, Malformed if it is not UTF-8."""
    try:
        return read_small(path, limit).decode(encoding)
    except UnicodeDecodeError as error:
        raise Malformed(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


@plain_errors
def verify(
    location: Location,
    policy: PolicyFile,
    kept: Annotated[Path | None, typer.Option("--kept", metavar="FOLDER", help="folder of kept checkpoints")] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option("--receipt", metavar="FILE", help="a voter's .tlog-proof; may be repeated")
    ] = None,
    web: Annotated[
        list[str] | None,
        typer.Option("--web", metavar="URL", help="another origin that serves the web bundle; may be repeated"),
    ] = None,
    no_web: Annotated[bool, typer.Option("--no-web", help="do not ask the manifest's origins for the bundle")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="neither read nor keep checkpoints or what is verified")
    ] = False,
    signed_off: Annotated[
        Path | None, typer.Option("--signed-off", metavar="FOLDER", help="folder of what is verified, to go on from")
    ] = None,
    afresh: Annotated[bool, typer.Option("--afresh", help="verify everything again")] = False,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", metavar="tcp://HOST:PORT", help="verify on a Dask cluster")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Recompute the whole election from its public files: V01 to V21, the counts, and one verdict.

    What is verified is kept as it goes: a run that was interrupted goes on where it was, and a later one reads only
    what is new.
    """
    if forget and (kept or signed_off or afresh):
        raise Unusable("--forget keeps nothing: --kept, --signed-off and --afresh do not go with it")
    trusted = read_policy(policy)
    board = open_board(location, say_waiting)
    folder = kept or state_folder("checkpoints")
    receipts = [read_small(path, ENTRY_LIMIT) for path in receipt or ()]
    remembered = () if forget else read_kept(folder, trusted)
    if not as_json and err.is_terminal:
        err.print(f"engine: {engine.NAME}", style="dim")
    store = None if forget else of_board(signed_off or state_folder("verified"), trusted)
    if afresh and store is not None:
        with alone_on(store):
            RangeStore(store).clear()
    with workers_of(scheduler) as workers, progress("verifying entries") as bar:
        report = verify_board(board, trusted, remembered, receipts, bar, store, workers)
    ask_origins = not no_web and not isinstance(board, FolderBoard)
    if web or ask_origins:
        with progress("reading the web bundle"):
            named = _origins(report) if ask_origins else ()
            report = look_at_web(report, named, web or (), open_beside(location))
    if as_json:
        print_json(report_json(report))
    else:
        print_report(report, out)
        if (mistake := own_mistake(report, board, remembered)) is not None:
            err.print(f"\n{mistake}", markup=False)
    if not forget:
        _remember(folder, trusted, report)
    raise typer.Exit(report.exit_code)


@contextmanager
def workers_of(scheduler: str | None) -> Iterator[Workers | None]:
    """The cluster at an address while the block runs; None, this machine, without one."""
    if scheduler is None:
        yield None
        return
    cluster = Cluster(scheduler)
    try:
        yield cluster
    finally:
        cluster.close()


def _origins(report: Report) -> tuple[str, ...]:
    return () if report.manifest is None else tuple(report.manifest.client.origins)


def _remember(folder: Path, policy: TrustPolicy, report: Report) -> None:
    """Keeps the checkpoint if its entries are right; one that contradicts what was kept, as evidence (9.3)."""
    if report.head is None or report.manifest is None:
        return
    place = folder if report.state_of("V02") == "pass" else folder / EVIDENCE
    try:
        keep(place, policy, report.head.size, report.head.root, report.checkpoint)
    except OSError as error:
        # The verdict stands; only the next run has less to compare with.
        err.print(f"retally: this checkpoint could not be kept: {error}", markup=False)


@plain_errors
def policy(
    manifest: Annotated[str, typer.Argument(metavar="MANIFEST|URL|FOLDER", help="the manifest entry, or a board")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write here instead of standard output")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the trust policy of a manifest that you have checked by other means (compare the election id)."""
    path = Path(manifest)
    entry = read_small(path, ENTRY_LIMIT) if path.is_file() else first_entry(open_board(manifest))
    text = format_policy(policy_from_manifest(entry))
    if output is not None:
        output.write_bytes(text)
    if as_json:
        print_json({"election": election_id(entry).hex(), "policy": text.decode()})
    elif output is None:
        typer.echo(text.decode(), nl=False)
    err.print(
        f"election {election_id(entry).hex()}\n"
        "Compare this id with the one the authority announced elsewhere before you trust the policy.",
        markup=False,
    )
    raise typer.Exit(DONE)
