"""Looking an installation over: before opening day, and when something is wrong. Nothing is changed, apart from one
small file written and removed in each folder to see that its disk keeps what it is given.

Every examination yields findings, each with the place it speaks of. It may run beside a running server, so a board that
grows meanwhile is compared with a checkpoint that was read before.
"""

import ctypes
import os
import resource
import secrets
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sqlalchemy.exc import SQLAlchemyError

from retally_crypto.engine import engine
from retally_crypto.errors import RetallyError
from retally_crypto.merkle import leaf_hash
from retally_crypto.secret.sign import SigningKey
from retally_server.api.connections import SPARE
from retally_server.api.readiness import LEAST_FREE
from retally_server.api.web_pages import read_web_pages
from retally_server.board.ahead import contradictions, published_places
from retally_server.board.board_files import CHECKPOINT, PENDING, open_board_files
from retally_server.board.board_keys import read_board_key
from retally_server.board.board_log import OpenRecord
from retally_server.board.hash_tree import HashTree
from retally_server.board.lock_store import BoardLock
from retally_server.board.opening import without_address, witness_clients
from retally_server.board.witness_client import Ahead, Cosigned
from retally_server.database import sqlite
from retally_server.database.store import Board, Store, StoredCheckpoint
from retally_server.durable import write_durably
from retally_server.settings import Settings

State = Literal["well", "warning", "wrong"]
SLOW_SECONDS = 0.05
"""A write that takes longer to be durable makes every batch wait."""

_UNSYNCHRONISED = 0x0040
"""STA_UNSYNC of adjtimex(2)."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `subject` says what, `found` what it is like."""

    subject: str
    state: State
    found: str


Findings = Iterator[Finding]


def examine(settings: Settings, open_record: OpenRecord, deep: bool, witnesses: bool) -> Findings:
    """Everything, in the order in which it would go wrong.

    With `deep` every entry and tile of every board is read, with `witnesses` each witness is asked for the newest
    checkpoint's cosignature, which it has given or gives now.
    """
    yield _engine()
    yield _clock()
    yield _open_files(settings)
    yield from _folders(settings)
    yield from _pages("web client", settings.web)
    yield from _pages("documentation", settings.docs)
    yield _port(settings)
    try:
        store = Store(settings.database)
    except RetallyError as error:
        yield Finding("database", "wrong", str(error))
        return
    try:
        about = _database(store)
        yield about
        for board in store.boards() if about.state == "well" else ():
            yield from _Examination(settings, store, board, open_record).findings(deep, witnesses)
    except SQLAlchemyError as error:
        yield Finding("database", "wrong", f"it cannot be read ({type(error).__name__})")
    finally:
        store.close()


def _engine() -> Finding:
    if engine.NAME == "native":
        return Finding("engine", "well", "native")
    return Finding("engine", "warning", "the reference engine: a hundred times slower, for trials only")


def _clock() -> Finding:
    status = (ctypes.c_char * 256)()
    libc = ctypes.CDLL(None, use_errno=True)
    state = libc.adjtimex(ctypes.byref(status))
    flags = int.from_bytes(status.raw[40:44], "little")
    if state < 0:
        return Finding("clock", "warning", "the kernel does not say whether it is synchronised")
    if state == 5 or flags & _UNSYNCHRONISED:
        return Finding("clock", "warning", "not synchronised: the manifest's times are kept by this clock")
    return Finding("clock", "well", "synchronised")


def _open_files(settings: Settings) -> Finding:
    soft, _hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < settings.connections + SPARE + 128:
        return Finding("open files", "warning", f"{soft} allowed, {settings.connections} connections need more")
    return Finding("open files", "well", f"{soft} allowed")


def _folders(settings: Settings) -> Findings:
    data, locks = settings.data.resolve(), settings.locks.resolve()
    for what, folder in (("data folder", data), ("lock store", locks)):
        yield from _folder(what, folder)
    if locks.is_relative_to(data):
        yield Finding("lock store", "wrong", f"{locks} is inside the data folder: one backup would restore both")
    elif data.is_dir() and locks.is_dir() and data.stat().st_dev == locks.stat().st_dev:
        yield Finding("lock store", "warning", "on the same disk as the data folder; never back it up with the rest")
    keys = settings.keys
    for file in sorted(keys.glob("*.key")) if keys.is_dir() else ():
        if file.stat().st_mode & 0o077:
            yield Finding("board keys", "wrong", f"others may read {file.name}: chmod 600, and ask who has read it")


def _folder(what: str, folder: Path) -> Findings:
    if not folder.is_dir():
        yield Finding(what, "warning", f"{folder} is not there yet")
        return
    if folder.stat().st_mode & 0o022:
        yield Finding(what, "wrong", f"others may write to {folder}")
    found = os.statvfs(folder)
    free = found.f_bavail * found.f_frsize
    if free < LEAST_FREE or (found.f_favail < 1_000 and found.f_files):
        yield Finding(what, "wrong", f"the disk has {free >> 20} MiB and {found.f_favail} files left")
    probe = folder / f".doctor-{secrets.token_hex(8)}"
    try:
        began = time.monotonic()
        write_durably(probe, bytes(4096), 0o600)
        seconds = time.monotonic() - began
    except OSError as error:
        yield Finding(what, "wrong", f"{folder} cannot be written: {error.strerror}")
        return
    finally:
        probe.unlink(missing_ok=True)
    state: State = "warning" if seconds > SLOW_SECONDS else "well"
    yield Finding(what, state, f"{free >> 20} MiB free, a file is durable after {seconds * 1000:.1f} ms")


def _pages(what: str, folder: Path | None) -> Findings:
    if folder is not None:
        try:
            files = read_web_pages(folder)
        except (RetallyError, OSError) as error:
            yield Finding(what, "wrong", str(error))
        else:
            yield Finding(what, "well", f"{len(files)} files, as their listing says")


def _port(settings: Settings) -> Finding:
    where = f"{settings.host}:{settings.port}"
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.settimeout(5)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding("address", "warning", f"{where} cannot be had ({error.strerror}): does the server run?")
    return Finding("address", "well", f"{where} is free: no server runs")


def _database(store: Store) -> Finding:
    folder, name = sqlite.folder_of(store.engine), store.engine.url.database
    if folder is not None and name is not None and not Path(name).exists():
        return Finding("database", "warning", f"{name} is not there yet")
    try:
        store.require_shape()
    except RetallyError as error:
        return Finding("database", "wrong", str(error))
    if folder is not None and (said := store.quick_check()) != "ok":
        return Finding("database", "wrong", f"SQLite says: {said}")
    return Finding("database", "well", f"{store.engine.dialect.name}, {len(store.boards())} boards")


class _Examination:
    """One board: its key, and what database, lock, files and witnesses say of how far it has come."""

    def __init__(self, settings: Settings, store: Store, board: Board, open_record: OpenRecord) -> None:
        self._settings = settings
        self._store = store
        self._board = board
        self._open_record = open_record
        self._files = open_board_files(settings, board.slug)
        self._subject = f"board {board.slug}"

    def findings(self, deep: bool, witnesses: bool) -> Findings:
        """See `examine`."""
        try:
            key = read_board_key(self._settings.keys, self._board.slug, self._settings.passphrase())
        except (RetallyError, OSError) as error:
            yield self._wrong(f"its key cannot be read: {error}")
            return
        if key is None:
            yield self._wrong(f"its key is not in {self._settings.keys}; restore it from its safe copy")
            return
        # Read before the database: all of these follow it.
        lock = BoardLock(self._settings.locks, self._board.slug).read()
        places = {"lock": lock, **published_places(self._files)}
        head = self._store.newest_checkpoint(self._board)
        if lock is None and head.size > 1:
            yield self._wrong(f"there is no lock: retally-server board lock {self._board.slug}")
        tree = self._tree(head) if deep else None
        if tree is not None and (tree.size != head.size or tree.root(head.size) != head.root):
            yield self._wrong("the entries in the database do not hash to its newest checkpoint")
            return
        contradicted = list(contradictions({**places, "database": head.note}, key.verifier_key, head.size, tree))
        yield from map(self._wrong, contradicted)
        if tree is not None:
            yield from self._tiles(tree, head)
        if witnesses:
            yield from self._witnesses(key, head, tree or self._tree(head))
        if not contradicted:
            yield Finding(self._subject, "well", f"{head.size} entries; database, lock and files agree")

    def _tree(self, head: StoredCheckpoint) -> HashTree:
        tree = HashTree()
        for raw, leaf in self._store.entries(self._board, 0, head.size):
            tree.append(leaf if leaf_hash(raw) == leaf else bytes(32))
        return tree

    def _tiles(self, tree: HashTree, head: StoredCheckpoint) -> Findings:
        shown = self._files.checkpoint(PENDING) or self._files.checkpoint(CHECKPOINT)
        if shown is None:
            yield self._wrong("nothing is published")
            return
        size = min(int(shown.split(b"\n")[1]), head.size)
        wrong = self._files.differing(
            tree, lambda first, end: (raw for raw, _ in self._store.entries(self._board, first, end)), size
        )
        for name in wrong[:8]:
            yield self._wrong(f"{name} is missing or is not what the database says; a restart writes it anew")
        if not wrong:
            yield Finding(self._subject, "well", f"every tile up to size {size} is there and right")

    def _witnesses(self, key: SigningKey, head: StoredCheckpoint, tree: HashTree) -> Findings:
        keys = self._open_record(next(iter(self._store.entries(self._board, 0, 1)))[0]).manifest.witnesses.keys
        slug = self._board.slug
        for name in without_address(self._settings, slug, keys):
            yield Finding(f"{self._subject}, witness {name}", "warning", "no address is known here: it is not asked")
        for client in witness_clients(self._settings, slug, keys, key.verifier_key):
            subject = f"{self._subject}, witness {client.key.name}"
            try:
                outcome = client.submit(head, tree)
            finally:
                client.close()
            if isinstance(outcome, Cosigned):
                yield Finding(subject, "well", f"has cosigned {head.size} entries")
            elif isinstance(outcome, Ahead):
                yield Finding(subject, "wrong", f"has seen another history: {outcome.reason}")
            else:
                yield Finding(subject, "warning", f"{type(outcome).__name__.lower()}: {outcome.reason}")

    def _wrong(self, found: str) -> Finding:
        return Finding(self._subject, "wrong", found)


def exit_code(findings: list[Finding]) -> int:
    """0 all is well, 1 something is wrong, 2 there are warnings only."""
    states = {finding.state for finding in findings}
    return 1 if "wrong" in states else 2 if "warning" in states else 0
