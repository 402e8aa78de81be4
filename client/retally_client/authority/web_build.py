"""The digest of a build of the web client, for the manifest: every file is compared with the listing first."""

from __future__ import annotations

from pathlib import Path

from retally_crypto.errors import RetallyError, Unusable
from retally_crypto.web_bundle import FILE_LIMIT, LISTING, LISTING_LIMIT, bundle_digest, parse_listing


def read_build(folder: Path) -> bytes:
    """The digest of the build in a folder (docs/spec 10.1).

    Raises Unusable if it is no build, if a file is not the listed one, or if there is a file that is not listed.
    """
    try:
        listing = _read(folder, LISTING, LISTING_LIMIT)
        files = parse_listing(listing)
        for path, expected in files.items():
            if bundle_digest(_read(folder, path, FILE_LIMIT)) != expected:
                raise Unusable(f"{path} is not the file that the listing names")
    except (OSError, RetallyError) as error:
        raise Unusable(f"{folder} is no build of the web client: {error}") from None
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}
    extra = sorted(found - set(files) - {LISTING})
    if extra:
        raise Unusable(f"{folder} is no build of the web client: {extra[0]} is not in its listing")
    return bundle_digest(listing)


def _read(folder: Path, path: str, limit: int) -> bytes:
    with (folder / path).open("rb") as file:
        content = file.read(limit + 1)
    if len(content) > limit:
        raise Unusable(f"{path} is longer than {limit} bytes")
    return content
