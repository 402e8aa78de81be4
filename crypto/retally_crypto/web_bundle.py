"""The listing of a web bundle, its digest, and what an origin is (docs/spec, page 10).

Promise: `parse_listing` accepts exactly the listings of 10.1, so that a listing that server, verifier and authority
read is the same set of files to all of them, and no path in it leads out of the bundle.
"""

from __future__ import annotations

import re
from hashlib import sha256

from retally_crypto.errors import Malformed

LISTING = "bundle.sha256"
PAGE = "index.html"
LISTING_LIMIT = 65_536
MOST_FILES = 256
FILE_LIMIT = 16_777_216

_SEGMENT = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_LINE = re.compile(f"([0-9a-f]{{64}})  ({_SEGMENT}(?:/{_SEGMENT})*)")
_PORT = "(?::([1-9][0-9]{0,4}))?"
_SECURE = re.compile(rf"https://([a-z0-9.-]{{1,253}}|\[[0-9a-f:]{{2,251}}\]){_PORT}")
_LOOPBACK = re.compile(rf"http://(localhost|127\.0\.0\.1|\[::1\]){_PORT}")


def bundle_digest(listing: bytes) -> bytes:
    """The 32 bytes that a manifest names as `client.bundle` (10.1)."""
    return sha256(listing).digest()


def parse_listing(raw: bytes) -> dict[str, bytes]:
    """Path to SHA-256 of every file, in order. Raises Malformed, naming the line (10.1)."""
    if len(raw) > LISTING_LIMIT:
        raise Malformed(f"{LISTING}: {len(raw)} bytes, more than {LISTING_LIMIT}")
    try:
        lines = raw.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"{LISTING}: byte {error.start} is not ASCII") from None
    if lines.pop() != "":
        raise Malformed(f"{LISTING}: its last line does not end in a newline")
    if not 1 <= len(lines) <= MOST_FILES:
        raise Malformed(f"{LISTING}: {len(lines)} files, not 1 to {MOST_FILES}")
    files: dict[str, bytes] = {}
    last = ""
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None or match[2] == LISTING:
            raise Malformed(f"{LISTING}: line {number} is not a digest and a path")
        if match[2] <= last:
            raise Malformed(f"{LISTING}: line {number} is out of order")
        last = match[2]
        files[last] = bytes.fromhex(match[1])
    if PAGE not in files:
        raise Malformed(f"{LISTING}: there is no {PAGE}")
    return files


def is_origin(text: str) -> bool:
    """Whether a text of `client.origins` is an origin, as browsers write it (10.2)."""
    match, own_port = _SECURE.fullmatch(text), 443
    if match is None:
        match, own_port = _LOOPBACK.fullmatch(text), 80
    if match is None:
        return False
    return match[2] is None or (int(match[2]) <= 65_535 and int(match[2]) != own_port)
