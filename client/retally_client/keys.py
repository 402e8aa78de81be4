"""Key files and other private files on an official's or a voter's disk: encrypted, mode 0600, durable, never
overwritten."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import typer

from retally_crypto.errors import Unusable
from retally_crypto.notes import ED25519
from retally_crypto.secret.keyfiles import open_key_file, seal_key_file
from retally_crypto.secret.sign import SigningKey
from retally_verify.durable_files import PRIVATE, create_durably, replace_durably

KEY_FILE_LIMIT = 16 * 1024 * 1024
SHORTEST_PASSPHRASE = 8


def read_passphrase(confirm: bool) -> str:
    """The passphrase from the first line of the file that RETALLY_PASSPHRASE_FILE names, or typed unseen (twice if
    new)."""
    named = os.environ.get("RETALLY_PASSPHRASE_FILE")
    if named:
        try:
            passphrase = Path(named).read_text(encoding="utf-8").split("\n", 1)[0]
        except UnicodeDecodeError:
            raise Unusable(f"the passphrase file {named} is not UTF-8") from None
    else:
        passphrase = typer.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    if confirm and len(passphrase) < SHORTEST_PASSPHRASE:
        raise Unusable(f"a new passphrase has at least {SHORTEST_PASSPHRASE} characters")
    return passphrase


def write_private(path: Path, content: bytes) -> None:
    """A new file that only its owner can read, durable when this returns. Raises FileExistsError if there is one."""
    create_durably(path, content, PRIVATE)


def replace_private(path: Path, content: bytes) -> None:
    """Replaces a private file, atomically and durably: after a crash it is the old one or the new one."""
    replace_durably(path, content, PRIVATE)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Only one program at a time is in this block for `path`; another one waits."""
    handle = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def write_key(path: Path, secret: bytes, passphrase: str, label: str) -> None:
    """A new encrypted key file. Raises FileExistsError rather than overwrite a key."""
    write_private(path, seal_key_file(secret, passphrase, label))


def read_key(path: Path, passphrase: str, label: str) -> bytes:
    """The secret of an encrypted key file with this label. Raises Unusable, Malformed or CannotDecrypt."""
    if path.stat().st_size > KEY_FILE_LIMIT:
        raise Unusable(f"{path} is too long for a key file")
    return open_key_file(path.read_bytes(), passphrase, label)


def new_signing_key(
    path: Path, name: str, label: str, passphrase: str, random: Callable[[int], bytes] = os.urandom
) -> SigningKey:
    """Makes an official's Ed25519 key and its file; the file's secret is seed ‖ name."""
    key = SigningKey.from_seed(name, seed := random(32), ED25519)
    write_key(path, seed + name.encode(), passphrase, label)
    return key


def load_signing_key(path: Path, label: str, passphrase: str) -> SigningKey:
    """The key that `new_signing_key` made."""
    secret = read_key(path, passphrase, label)
    return SigningKey.from_seed(secret[32:].decode(), secret[:32], ED25519)
