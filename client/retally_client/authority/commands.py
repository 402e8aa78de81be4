"""`retally authority …`"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retally_client.api import BoardServer
from retally_client.authority.acts import (
    closing_entry,
    opening_entry,
    paper_count_entry,
    result_entry,
)
from retally_client.authority.manifest_file import manifest_entry, manifest_from_yaml
from retally_client.authority.paper_counts import COLUMNS, Counts, not_yet_published, read_paper_counts, sums
from retally_client.authority.remarks import remarks
from retally_client.authority.times import told
from retally_client.authority.web_build import read_build
from retally_client.faults import enumerated, listed
from retally_client.keys import load_signing_key, new_signing_key, read_passphrase, write_private
from retally_client.mistakes import distrust, require_key, require_new
from retally_client.tables import TABLE_LIMIT, read_table
from retally_crypto.entries import election_id
from retally_crypto.errors import Refused, Unusable
from retally_crypto.notes import MAX_ENTRY_BYTES, format_vkey
from retally_crypto.policy_text import policy_from_manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.sign import SigningKey
from retally_verify.board import open_board
from retally_verify.commands import AsJson, PolicyFile, read_policy, read_small, read_text
from retally_verify.console import err, out, plain_errors, print_json, progress
from retally_verify.run import verified

LABEL = "authority"
YAML_LIMIT = 4 * 1024 * 1024
CLOSINGS = 20
"""How often a closing is made anew for ballots that arrived meanwhile. A server could say so for ever."""

KeyFile = Annotated[Path, typer.Option("--key", "-k", metavar="FILE", help="the authority's key file")]
NewKeyFile = Annotated[Path, typer.Argument(metavar="KEYFILE", help="a new file")]
ManifestFile = Annotated[Path, typer.Argument(metavar="MANIFEST", help="the manifest entry")]
Yes = Annotated[bool, typer.Option("--yes", help="do not ask; for programs")]
Url = Annotated[str, typer.Argument(metavar="URL", help="the board, https://host/elections/name")]


def _key(path: Path) -> SigningKey:
    return load_signing_key(path, LABEL, read_passphrase(confirm=False))


@contextmanager
def _record(url: str, policy: Path) -> Iterator[ElectionRecord]:
    board = open_board(url)
    with ExitStack() as files_of_run:
        with progress("reading the board") as bar:
            done = files_of_run.enter_context(verified(board, read_policy(policy), tell=bar))
        if done.record is None or done.report.state_of("V03") == "fail":
            raise distrust(done.report, board, policy)
        yield done.record


@contextmanager
def _record_and_key(url: str, policy: Path, key: Path) -> Iterator[tuple[ElectionRecord, SigningKey]]:
    with _record(url, policy) as record:
        signing = _key(key)
        require_key(record.manifest.authority, signing, "the authority")
        yield record, signing


def _text(path: Path) -> str:
    # Spreadsheets begin UTF-8 files with a byte order mark.
    return read_text(path, YAML_LIMIT, "utf-8-sig")


def _say(index: int, what: str, as_json: bool) -> None:
    if as_json:
        print_json({"index": index, "kind": what})
    else:
        out.print(f"{what} is on the board, entry {index}", markup=False)


@plain_errors
def init(
    key_file: NewKeyFile,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="the key's name, for example elections.example/authority")
    ],
    as_json: AsJson = False,
) -> None:
    """Make the authority's key; prints its verifier key."""
    require_new(key_file, "a new key")
    key = new_signing_key(key_file, name, LABEL, read_passphrase(confirm=True))
    vkey = format_vkey(key.verifier_key)
    print_json({"verifier_key": vkey}) if as_json else typer.echo(vkey)


@plain_errors
def manifest(
    yaml_file: Annotated[Path, typer.Argument(metavar="YAML", help="the manifest, written by hand")],
    key: KeyFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="where to write the manifest entry")],
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Check a manifest written in YAML, sign it, and print the election id."""
    require_new(output, "the manifest entry")
    signing = _key(key)
    checked = manifest_from_yaml(_text(yaml_file), signing)
    asked = remarks(checked, time.time())
    if asked and as_json and not yes:
        raise Refused(listed("Not signed, for a person should look at this first (--yes signs it):", asked))
    if not as_json:
        err.print(f"opens   {told(checked.opens)}\ncloses  {told(checked.closes)}", markup=False)
        if asked:
            err.print(listed("Nothing of this can be changed once it is signed:", asked), markup=False)
    if asked and not yes and not typer.confirm("Sign it like this?", default=False, err=True):
        raise Refused("not confirmed, nothing was signed")
    entry = manifest_entry(checked, signing)
    policy_from_manifest(entry)
    write_private(output, entry)
    identity = election_id(entry).hex()
    if as_json:
        print_json({"election": identity, "manifest": str(output), "remarks": asked})
    else:
        out.print(
            f"election {identity}\nmanifest {output}\nAnnounce this id where auditors and voters can compare it.",
            markup=False,
        )


@plain_errors
def bundle(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="a build of the web client")], as_json: AsJson = False
) -> None:
    """Print the digest of a build of the web client, as the manifest names it."""
    digest = read_build(folder).hex()
    print_json({"bundle": digest}) if as_json else typer.echo(digest)


@plain_errors
def create(url: Url, manifest_file: ManifestFile, as_json: AsJson = False) -> None:
    """Create the election on the server that holds its board key."""
    BoardServer(url).create(read_small(manifest_file, MAX_ENTRY_BYTES))
    _say(0, "manifest", as_json)


@plain_errors
def open_voting(url: Url, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Open voting: publish the joint key and the roll's digest."""
    with _record_and_key(url, policy, key) as (record, signing):
        entry = opening_entry(record, signing)
    _say(BoardServer(url).append(entry), "opening", as_json)


@plain_errors
def close(url: Url, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Close voting. Ballots that arrive meanwhile are taken in first; the closing is then made anew."""
    signing, server = _key(key), BoardServer(url)
    for attempt in range(1, CLOSINGS + 1):
        with _record(url, policy) as record:
            require_key(record.manifest.authority, signing, "the authority")
            entry = closing_entry(record, signing)
        try:
            _say(server.append(entry), "closing", as_json)
            return
        except Refused as refusal:
            if refusal.check != "V14":
                raise
            if attempt == CLOSINGS:
                raise Refused(
                    f"the server refused {CLOSINGS} closings, each made for the ballots it showed "
                    f"({refusal.reason[:200]}). Voting is not closed. If no ballots arrive any more, the server is at "
                    "fault: keep a mirror of the board, and tell its operator and the auditors",
                    refusal.check,
                ) from None


@plain_errors
def paper(
    url: Url,
    table_file: Annotated[
        Path,
        typer.Argument(
            metavar="COUNTS", help="a table (CSV, .xlsx or .ods): district, contest, station, option, votes"
        ),
    ],
    policy: PolicyFile,
    key: KeyFile,
    station: Annotated[
        list[str] | None,
        typer.Option("--station", metavar="NAME", help="a real station that looks like a total; may be repeated"),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Enter paper counts, after a look at their sums. They are shown beside the online count, never verified.

    An interrupted run is continued: what is on the board unchanged is left as it is.
    """
    if as_json and not yes:
        raise Unusable("--json asks nothing: look at the sums without it first, then give --json and --yes")
    table = read_table(read_small(table_file, TABLE_LIMIT), str(table_file), COLUMNS)
    with _record_and_key(url, policy, key) as (record, signing):
        if record.closing_index is None:
            raise Refused("voting is not closed yet: paper counts are entered after retally authority close")
        counts = read_paper_counts(table, record.manifest, station or ())
        new = not_yet_published(record, counts)
        # Every entry is made before the first is sent: one that cannot be made leaves nothing half done.
        entries = [paper_count_entry(record, signing, *place, stations) for place, stations in new.items()]
        there = [place for place in counts if place not in new]
        if not as_json:
            _show_sums(counts, there, record)
        if new and not yes and not typer.confirm("Sign and publish these numbers? They stay.", default=False, err=True):
            raise Refused("not confirmed, nothing was signed or sent")
        server, sent = BoardServer(url), []
        for (district, contest), entry in zip(new, entries, strict=True):
            index = server.append(entry)
            sent.append({"index": index, "kind": "paper-count", "district": district, "contest": contest})
            if not as_json:
                out.print(f"paper-count of {district}, {contest} is on the board, entry {index}", markup=False)
        if as_json:
            unchanged = [{"district": district, "contest": contest} for district, contest in there]
            print_json({"sent": sent, "unchanged": unchanged})
        elif not new:
            out.print("every count of this file is on the board already, unchanged", markup=False)


def _show_sums(counts: Counts, there: Sequence[tuple[str, str]], record: ElectionRecord) -> None:
    for line in sums(counts, record.manifest):
        err.print(line, markup=False)
    if there:
        places = enumerated([f"{district}, {contest}" for district, contest in there])
        err.print(f"On the board already, unchanged, and not sent again: {places}", markup=False)
    if record.partial_decryptions:
        err.print("Somebody has decrypted already: these counts will be shown as entered late.", markup=False)


@plain_errors
def publish(url: Url, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Publish the result that follows from the board; every verifier recomputes it."""
    with _record_and_key(url, policy, key) as (record, signing):
        _say(BoardServer(url).append(result_entry(record, signing)), "result", as_json)
