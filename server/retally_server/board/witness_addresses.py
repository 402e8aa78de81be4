"""Where the witnesses of a board answer. The manifest holds their keys only: an address may change, a key may not.

One file per board beside its key, one line `<verifier key> <URL prefix>` per witness. The addresses are trusted for
nothing: what comes from one counts only with a signature of the key.
"""

from pathlib import Path

import httpx

from retally_crypto.errors import Malformed
from retally_crypto.notes import COSIGNATURE_V1, VerifierKey, format_vkey, parse_vkey
from retally_server.durable import make_folder, write_durably

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""Never asked through a proxy that the environment names."""


def parse_address(text: str) -> str:
    """A submission prefix without a slash at its end. Malformed unless it is a plain http or https address."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise Malformed(f"witness address {text!r}: {error}") from None
    if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
        raise Malformed(f"witness address {text!r}: not an http(s) address without user, query and fragment")
    return text.rstrip("/")


def read_addresses(folder: Path, slug: str) -> dict[VerifierKey, str]:
    """The address of each witness that has one. Raises Malformed if the file is damaged."""
    path = _path(folder, slug)
    if not path.exists():
        return {}
    addresses = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        vkey, separator, address = line.partition(" ")
        if not separator:
            raise Malformed(f"{path}, line {number}: not a verifier key and an address")
        addresses[parse_vkey(vkey)] = parse_address(address)
    return addresses


def set_address(folder: Path, slug: str, witness: VerifierKey, address: str | None) -> None:
    """Names the address of a witness, or forgets it (None). Malformed if the key is no witness's."""
    if witness.algorithm != COSIGNATURE_V1:
        raise Malformed(f"{witness.name}: a witness's key has signature type 4, this one has {witness.algorithm}")
    addresses = read_addresses(folder, slug)
    addresses.pop(witness, None)
    if address is not None:
        addresses[witness] = parse_address(address)
    make_folder(folder)
    lines = "".join(f"{format_vkey(key)} {each}\n" for key, each in addresses.items())
    write_durably(_path(folder, slug), lines.encode())


def _path(folder: Path, slug: str) -> Path:
    return folder / f"{slug}.witnesses"
