"""`retally guardian …`

Files beside the key file `K`, for an election whose id begins with `E`: `K.E.ceremony` (its secrets, encrypted like
the key), `K.E.journal` (whether it has decrypted) and the folder `K.E.seen` (checkpoints of the boards it was shown: a
board that contradicts one is refused). Whoever copies a guardian to another machine takes all of them, and deletes them
here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from retally_client.api import BoardServer
from retally_client.guardian.ceremony import (
    Secrets,
    Step,
    guardian_number,
    new_secrets,
    next_step,
    secrets_from_bytes,
    secrets_to_bytes,
)
from retally_client.guardian.decryption import decrypt as partial_decryption
from retally_client.guardian.decryption import read_journal, renew_journal
from retally_client.keys import load_signing_key, new_signing_key, read_key, read_passphrase, write_key
from retally_crypto.errors import Refused
from retally_crypto.notes import format_vkey
from retally_crypto.record import ElectionRecord
from retally_verify.board import open_board
from retally_verify.commands import AsJson, PolicyFile, read_policy
from retally_verify.console import out, plain_errors, print_json, progress
from retally_verify.kept import keep, read_kept
from retally_verify.run import Verified, verified

LABEL = "guardian"
CEREMONY = "guardian ceremony"

KeyFile = Annotated[Path, typer.Argument(metavar="KEYFILE", help="this guardian's key file")]
Url = Annotated[str, typer.Argument(metavar="URL", help="the board, https://host/elections/name")]


@dataclass(frozen=True)
class Files:
    """Where this guardian keeps one election's secrets, journal and the checkpoints it has seen."""

    ceremony: Path
    journal: Path
    seen: Path
    verified: Path

    @classmethod
    def beside(cls, key_file: Path, election_id: bytes) -> Files:
        stem = f"{key_file.name}.{election_id.hex()[:16]}"
        return cls(*(key_file.with_name(f"{stem}.{name}") for name in ("ceremony", "journal", "seen", "verified")))


@contextmanager
def verified_board(url: str, policy: Path, key_file: Path | None) -> Iterator[Verified]:
    """The board, verified and held against every checkpoint that this guardian has seen; its own is kept with them.

    What this guardian has verified before is not read again.
    """
    trusted = read_policy(policy)
    files = None if key_file is None else Files.beside(key_file, trusted.election_id)
    seen, store = (None, None) if files is None else (files.seen, files.verified)
    kept = () if seen is None else read_kept(seen, trusted)
    with ExitStack() as files_of_run:
        with progress("verifying the board") as bar:
            done = files_of_run.enter_context(verified(open_board(url), trusted, kept, (), bar, store))
        report = done.report
        if seen is not None and report.head is not None and report.state_of("V02") == "pass":
            keep(seen, trusted, report.head.size, report.head.root, report.checkpoint)
        yield done


def _trusted_record(done: Verified) -> ElectionRecord:
    if done.record is None or done.report.failed:
        raise Refused(f"the board does not verify: {', '.join(done.report.failed) or 'it is incomplete'}")
    return done.record


@plain_errors
def init(
    key_file: KeyFile,
    name: Annotated[str, typer.Argument(metavar="NAME", help="the key's name, for example party.example/guardian")],
    as_json: AsJson = False,
) -> None:
    """Make this guardian's signing key; prints the verifier key for the manifest."""
    key = new_signing_key(key_file, name, LABEL, read_passphrase(confirm=True))
    vkey = format_vkey(key.verifier_key)
    print_json({"verifier_key": vkey}) if as_json else typer.echo(vkey)


@plain_errors
def step(url: Url, key_file: KeyFile, policy: PolicyFile, as_json: AsJson = False) -> None:
    """Do whatever the key ceremony asks of this guardian now, and say what comes next."""
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with verified_board(url, policy, key_file) as done:
        record = _trusted_record(done)
        number = guardian_number(record.manifest, key)
        files = Files.beside(key_file, record.election_id)
        secrets = _secrets(files, passphrase, record, fresh=number not in record.ceremony.commitments)
        due = next_step(record, secrets, key)
        server = BoardServer(url)
        indices = [server.append(entry) for entry in due.entries]
        _say(due, number, indices, as_json)


def _secrets(files: Files, passphrase: str, record: ElectionRecord, fresh: bool) -> Secrets:
    if files.ceremony.exists():
        return secrets_from_bytes(read_key(files.ceremony, passphrase, CEREMONY))
    if not fresh:
        raise Refused(f"{files.ceremony} is lost: this guardian has committed and cannot go on without it")
    secrets = new_secrets(record.election_id, record.manifest.guardians.threshold, os.urandom(16))
    renew_journal(files.journal, secrets.journal)
    write_key(files.ceremony, secrets_to_bytes(secrets), passphrase, CEREMONY)
    return secrets


def _say(due: Step, number: int, indices: list[int], as_json: bool) -> None:
    if as_json:
        print_json({"guardian": number, "entries": indices, "says": due.says, "done": due.done})
    else:
        out.print(f"guardian {number}: {due.says}", markup=False)


@plain_errors
def status(url: Url, policy: PolicyFile, as_json: AsJson = False) -> None:
    """How far the ceremony and the decryption are. Needs no key."""
    with verified_board(url, policy, None) as done:
        record = _trusted_record(done)
        ceremony = record.ceremony
        rows: list[tuple[str, Callable[[int], bool]]] = [
            ("committed", lambda number: number in ceremony.commitments),
            ("shares sent", lambda number: number in ceremony.shares),
            ("confirmed", lambda number: number in ceremony.confirmations),
            ("decrypted", lambda number: number in record.partial_decryptions),
        ]
        numbers = range(1, len(record.manifest.guardians.keys) + 1)
        if as_json:
            print_json({name: [number for number in numbers if has(number)] for name, has in rows})
            return
        for name, has in rows:
            have = [number for number in numbers if has(number)]
            out.print(f"{name:<12} {len(have)} of {len(numbers)}  {' '.join(map(str, have))}", markup=False)
        for complainant, accused in ceremony.complaints:
            answered = "answered" if (complainant, accused) in ceremony.answers else "not answered"
            out.print(f"complaint of {complainant} against {accused}: {answered}", markup=False)


@plain_errors
def decrypt(
    url: Url,
    key_file: KeyFile,
    policy: PolicyFile,
    override: Annotated[
        list[int] | None,
        typer.Option("--override", metavar="INDEX", help="a ballot that failed, accepted by you; may be repeated"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify the whole board, then decrypt its sums with this guardian's share: once, and never again."""
    passphrase = read_passphrase(confirm=False)
    key = load_signing_key(key_file, LABEL, passphrase)
    with verified_board(url, policy, key_file) as done:
        files = Files.beside(key_file, done.report.policy.election_id)
        secrets = secrets_from_bytes(read_key(files.ceremony, passphrase, CEREMONY))
        journal = read_journal(files.journal, secrets.journal)
        entry = partial_decryption(done, secrets, key, journal, frozenset(override or ()))
    index = BoardServer(url).append(entry)
    if as_json:
        print_json({"index": index, "kind": "partial-decryption"})
    else:
        out.print(f"partial decryption is on the board, entry {index}", markup=False)
