"""The keys that sign boards' checkpoints: one file per board in the data folder, made before the manifest names it.

With a passphrase the file is an encrypted key file (`retally_crypto.secret.keyfiles`). Without one it holds the seed in
the clear and only its owner may read it; a file that others may read is refused. Whoever has this key can sign a fork
of the board: witnesses and kept checkpoints find that out, nothing on this server can.
"""

import os
import re
import secrets
from pathlib import Path

from pydantic import SecretStr

from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.notes import VerifierKey, format_vkey, parse_vkey
from retally_crypto.secret.keyfiles import label_of, open_key_file, seal_key_file
from retally_crypto.secret.sign import SigningKey
from retally_server.durable import make_folder, write_durably

_PLAIN = "retally-board-key/v1"
_SLUG = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


def slug_of(origin: str) -> str:
    """The last path segment of an origin, which must be an identifier (docs/spec 3.1). Raises Malformed."""
    slug = origin.rpartition("/")[2]
    if slug == origin or not _SLUG.fullmatch(slug):
        raise Malformed(f"origin {origin!r}: its last path segment is not an identifier")
    return slug


def make_board_key(folder: Path, slug: str, origin_host: str, passphrase: SecretStr | None) -> VerifierKey:
    """Makes the key of a new board with origin `origin_host/slug` and returns what the manifest says under `board`.

    Raises Malformed for a slug that is no identifier, Unusable if there is a key of that slug already.
    """
    origin = f"{origin_host.strip('/')}/{slug}"
    if slug_of(origin) != slug:
        raise Malformed(f"board key {slug!r}: the slug is not an identifier")
    path = folder / f"{slug}.key"
    if path.exists():
        raise Unusable(f"there is a board key {slug} already; a board's key is never replaced")
    seed = secrets.token_bytes(32)
    key = SigningKey.from_seed(origin, seed)
    make_folder(folder)
    if passphrase is None:
        content = f"{_PLAIN} {origin} {b64url_encode(seed)}\n".encode()
    else:
        content = seal_key_file(seed, passphrase.get_secret_value(), _label(origin))
    write_durably(path, content, mode=0o600)
    return key.verifier_key


def read_board_key(folder: Path, slug: str, passphrase: SecretStr | None) -> SigningKey | None:
    """The key of a board, None if there is none.

    Raises Unusable if the file may be read by others, needs a passphrase that is not set, or names another board;
    Malformed if it is no key file, CannotDecrypt if the passphrase is wrong.
    """
    try:
        handle = os.open(folder / f"{slug}.key", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(handle, "rb") as file:
        if os.fstat(handle).st_mode & 0o077:
            raise Unusable(f"board key {slug}: others may read the file; make it readable by its owner only (mode 600)")
        content = file.read(65_536)
    if content.startswith(_PLAIN.encode() + b" "):
        parts = content.decode("utf-8", "replace").rstrip("\n").split(" ")
        if len(parts) != 3:
            raise Malformed(f"board key {slug}: the file is damaged")
        origin, seed = parts[1], b64url_decode(parts[2], 32, f"board key {slug}")
    else:
        if passphrase is None:
            raise Unusable(f"board key {slug} is encrypted and no passphrase file is set (RETALLY_KEY_PASSPHRASE_FILE)")
        origin = label_of(content).removeprefix(_label(""))
        seed = open_key_file(content, passphrase.get_secret_value(), _label(origin))
    if slug_of(origin) != slug:
        raise Unusable(f"board key {slug}: the file holds the key of {origin}")
    return SigningKey.from_seed(origin, seed)


def pin_authority(folder: Path, slug: str, authority: VerifierKey) -> None:
    """Remembers whose manifest a board is for: without that, whoever knows the board's key could use it up first."""
    write_durably(folder / f"{slug}.authority", f"{format_vkey(authority)}\n".encode())


def pinned_authority(folder: Path, slug: str) -> VerifierKey | None:
    """The authority a board was made for, None if nobody said. Raises Malformed if the file is damaged."""
    path = folder / f"{slug}.authority"
    return parse_vkey(path.read_text(encoding="utf-8").strip()) if path.exists() else None


def _label(origin: str) -> str:
    return f"board {origin}"
