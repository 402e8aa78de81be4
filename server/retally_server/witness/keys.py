"""The witness's Ed25519 cosigning key: one file, encrypted with a passphrase or readable by its owner only.

Whoever has it can cosign a second history in the witness's name. It is never replaced and belongs to one database.
"""

import os
import secrets
from pathlib import Path

from pydantic import SecretStr

from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.notes import COSIGNATURE_V1, VerifierKey
from retally_crypto.secret.keyfiles import label_of, open_key_file, seal_key_file
from retally_crypto.secret.sign import SigningKey
from retally_server.durable import make_folder, write_durably

_PLAIN = "retally-witness-key/v1"
_LABEL = "witness "
_LIMIT = 65_536


def make_witness_key(path: Path, name: str, passphrase: SecretStr | None) -> VerifierKey:
    """Makes the key of a witness called `name` and returns what a manifest names. Unusable if the file exists."""
    if path.exists():
        raise Unusable(f"there is a witness key at {path} already; a witness's key is never replaced")
    seed = secrets.token_bytes(32)
    key = SigningKey.from_seed(name, seed, COSIGNATURE_V1)
    make_folder(path.parent.resolve())
    if passphrase is None:
        content = f"{_PLAIN} {name} {b64url_encode(seed)}\n".encode()
    else:
        content = seal_key_file(seed, passphrase.get_secret_value(), _LABEL + name)
    write_durably(path, content, mode=0o600)
    return key.verifier_key


def read_witness_key(path: Path, passphrase: SecretStr | None) -> SigningKey:
    """The key in a file. Unusable, Malformed or CannotDecrypt if it cannot be used; FileNotFoundError if absent."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with open(handle, "rb") as file:
        if os.fstat(handle).st_mode & 0o077:
            raise Unusable(f"others may read {path}; make it readable by its owner only (mode 600)")
        content = file.read(_LIMIT)
    if content.startswith(_PLAIN.encode() + b" "):
        parts = content.decode("utf-8", "replace").rstrip("\n").split(" ")
        if len(parts) != 3:
            raise Malformed(f"the witness key {path} is damaged")
        return SigningKey.from_seed(parts[1], b64url_decode(parts[2], 32, "the witness key"), COSIGNATURE_V1)
    if passphrase is None:
        raise Unusable(f"{path} is encrypted and no passphrase file is set (RETALLY_WITNESS_PASSPHRASE_FILE)")
    label = label_of(content)
    seed = open_key_file(content, passphrase.get_secret_value(), label)
    return SigningKey.from_seed(label.removeprefix(_LABEL), seed, COSIGNATURE_V1)
