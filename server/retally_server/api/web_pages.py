"""The pages that this server hands out: exactly the files that a build lists, with the build's own policy.

The folder is a build of `client/web`, or of the documentation, which has the same shape: its files, `bundle.sha256`
(docs/spec page 10) and `csp.json`, which gives the Content-Security-Policy of each page and of everything else. All of
it is read and compared with the listing once, at the start, and served from memory: no request ever becomes a path on
this machine.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retally_crypto.canonical import parse_json
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.web_bundle import FILE_LIMIT, LISTING, LISTING_LIMIT, parse_listing

POLICIES = "csp.json"

_HASHED_NAME = re.compile(r"assets/.+-[A-Za-z0-9_-]{8}\.[a-z0-9]+")
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".sha256": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


@dataclass(frozen=True)
class WebFile:
    """One file as it is answered."""

    content: bytes
    media_type: str
    headers: dict[str, str]


def read_web_pages(folder: Path) -> dict[str, WebFile]:
    """Every file of a build by its path under `/`. Raises Unusable if it is not exactly what its listing says."""
    try:
        listing = _read(folder / LISTING, LISTING_LIMIT)
        contents = {path: _listed(folder / path, digest) for path, digest in parse_listing(listing).items()}
        policies: Any = parse_json(contents[POLICIES])
    except (OSError, KeyError, ValueError, Malformed) as error:
        raise Unusable(f"the pages in {folder} cannot be served: {error}") from error
    if not isinstance(policies, dict) or not all(isinstance(policy, str) for policy in policies.values()):
        raise Unusable(f"the pages in {folder} cannot be served: {POLICIES} is not a policy for each page")
    contents[LISTING] = listing
    files = {path: _web_file(path, content, policies) for path, content in contents.items()}
    if "*" not in policies:
        raise Unusable(f"the pages in {folder} have no policy for files that are no page")
    return files


def _listed(path: Path, digest: bytes) -> bytes:
    content = _read(path, FILE_LIMIT)
    if hashlib.sha256(content).digest() != digest:
        raise ValueError(f"{path.name} is not the file that {LISTING} names")
    return content


def _read(path: Path, limit: int) -> bytes:
    with path.open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"{path.name} is longer than {limit} bytes")
    return content


def _web_file(path: str, content: bytes, policies: dict[str, str]) -> WebFile:
    media_type = _MEDIA_TYPES.get(Path(path).suffix)
    if media_type is None:
        raise Unusable(f"there is a page of an unknown type: {path}")
    headers = dict(_ALWAYS)
    headers["Content-Security-Policy"] = policies.get(path, policies.get("*", "default-src 'none'"))
    headers["Cache-Control"] = (
        "public, max-age=31536000, immutable" if _HASHED_NAME.fullmatch(path) else "public, no-cache"
    )
    headers["ETag"] = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    return WebFile(content, media_type, headers)
