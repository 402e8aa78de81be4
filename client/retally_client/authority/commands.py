"""`retally authority …`"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated

import typer

from retally_client.api import BoardServer
from retally_client.authority.acts import (
    closing_entry,
    opening_entry,
    paper_count_entry,
    read_paper_counts,
    result_entry,
)
from retally_client.authority.manifest_file import manifest_entry, manifest_from_yaml
from retally_client.authority.web_build import read_build
from retally_client.keys import load_signing_key, new_signing_key, read_passphrase, write_private
from retally_crypto.entries import election_id
from retally_crypto.errors import Refused
from retally_crypto.notes import MAX_ENTRY_BYTES, format_vkey
from retally_crypto.policy import policy_from_manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.sign import SigningKey
from retally_verify.board import open_board
from retally_verify.commands import AsJson, PolicyFile, read_policy, read_small, read_text
from retally_verify.console import out, plain_errors, print_json, progress
from retally_verify.run import verified

LABEL = "authority"
YAML_LIMIT = 4 * 1024 * 1024
CLOSINGS = 20
"""How often a closing is made anew for ballots that arrived meanwhile. A server could say so for ever."""

KeyFile = Annotated[Path, typer.Option("--key", "-k", metavar="FILE", help="the authority's key file")]
NewKeyFile = Annotated[Path, typer.Argument(metavar="KEYFILE", help="a new file")]
ManifestFile = Annotated[Path, typer.Argument(metavar="MANIFEST", help="the manifest entry")]
CsvFile = Annotated[Path, typer.Argument(metavar="CSV", help="the counts")]
Url = Annotated[str, typer.Argument(metavar="URL", help="the board, https://host/elections/name")]


def _key(path: Path) -> SigningKey:
    return load_signing_key(path, LABEL, read_passphrase(confirm=False))


@contextmanager
def _record(url: str, policy: Path) -> Iterator[ElectionRecord]:
    with ExitStack() as files_of_run:
        with progress("reading the board") as bar:
            done = files_of_run.enter_context(verified(open_board(url), read_policy(policy), tell=bar))
        if done.record is None:
            failed = ", ".join(done.report.failed) or "it is incomplete"
            raise Refused(f"the board cannot be trusted: {failed} (retally verify says why)")
        yield done.record


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
    key = new_signing_key(key_file, name, LABEL, read_passphrase(confirm=True))
    vkey = format_vkey(key.verifier_key)
    print_json({"verifier_key": vkey}) if as_json else typer.echo(vkey)


@plain_errors
def manifest(
    yaml_file: Annotated[Path, typer.Argument(metavar="YAML", help="the manifest, written by hand")],
    key: KeyFile,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="where to write the manifest entry")],
    as_json: AsJson = False,
) -> None:
    """Check a manifest written in YAML, sign it, and print the election id."""
    signing = _key(key)
    entry = manifest_entry(manifest_from_yaml(_text(yaml_file), signing), signing)
    policy_from_manifest(entry)
    write_private(output, entry)
    identity = election_id(entry).hex()
    if as_json:
        print_json({"election": identity, "manifest": str(output)})
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
    with _record(url, policy) as record:
        entry = opening_entry(record, _key(key))
    _say(BoardServer(url).append(entry), "opening", as_json)


@plain_errors
def close(url: Url, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Close voting. Ballots that arrive meanwhile are taken in first; the closing is then made anew."""
    signing, server = _key(key), BoardServer(url)
    for attempt in range(1, CLOSINGS + 1):
        with _record(url, policy) as record:
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
def paper(url: Url, csv_file: CsvFile, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Enter paper counts: CSV with district, contest, station, option, votes. They are shown, never verified."""
    signing, server = _key(key), BoardServer(url)
    with _record(url, policy) as record:
        for (district, contest), stations in read_paper_counts(_text(csv_file).splitlines(), record.manifest).items():
            index = server.append(paper_count_entry(record, signing, district, contest, stations))
            _say(index, f"paper-count of {district}", as_json)


@plain_errors
def publish(url: Url, policy: PolicyFile, key: KeyFile, as_json: AsJson = False) -> None:
    """Publish the result that follows from the board; every verifier recomputes it."""
    with _record(url, policy) as record:
        _say(BoardServer(url).append(result_entry(record, _key(key))), "result", as_json)
