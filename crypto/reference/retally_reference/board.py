"""Page 3.1: reading a board's files, from a folder or over HTTP, with limits on everything.

Nothing is ruled here but that an entry hashes to the place its level-0 tile gives it.
"""

import http.client
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from retally_reference.canonical import LONGEST_ENTRY, Refusal, refuse_unless
from retally_reference.merkle import bundle_entries, leaf_hash

Read = Callable[[str], bytes | None]
"""The file of that path under the board's prefix, None if the board has no such file. OSError: it does not answer.

Of a file longer than any right one so much is read that whoever parses it sees that.
"""

Progress = Callable[[str, int, int], None]
"""What was done with entries (read, verified), how many so far, and of how many."""

LONGEST_FILE = 256 * (2 + LONGEST_ENTRY)
WIDTH = 256
PATIENCE = 300.0
"""Seconds that one file may take, however slowly its bytes trickle in."""


class Missing(Exception):
    """A file that the checkpoint promises is not there."""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """A board that answers "elsewhere" has not answered."""

    def redirect_request(self, *_arguments: object, **_named: object) -> None:
        return None


def open_board(location: str) -> Read:
    """Reads a board at a URL or in a folder. OSError if there is neither."""
    if location.startswith(("http://", "https://")):
        return _over_http(location.rstrip("/"))
    folder = Path(location)
    if not folder.is_dir():
        raise OSError(f"{location} is not a folder")
    return lambda path: _from_folder(folder / path)


def _from_folder(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(LONGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _over_http(prefix: str) -> Read:
    opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))

    def read(path: str) -> bytes | None:
        # The timeout of a socket starts anew with every byte: a thread that can be left behind has one for them all.
        found: list[bytes | BaseException | None] = []

        def work() -> None:
            try:
                found.append(answered(path))
            except BaseException as error:
                found.append(error)

        reader = threading.Thread(target=work, daemon=True)
        reader.start()
        reader.join(PATIENCE)
        if not found:
            raise OSError(f"{path}: the board did not answer in full within {PATIENCE:.0f} seconds")
        if isinstance(found[0], BaseException):
            raise found[0]
        return found[0]

    def answered(path: str) -> bytes | None:
        try:
            # open_board lets only http and https come here.
            request = urllib.request.Request(f"{prefix}/{path}", headers={"Accept-Encoding": "identity"})  # noqa: S310
            with opener.open(request, timeout=30) as answer:
                content: bytes = answer.read(LONGEST_FILE + 1)
                announced = answer.headers.get("Content-Length", str(len(content)))
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise OSError(f"{path}: the board answers with status {error.code}") from None
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"{prefix}/{path}: {error!r}") from None
        if announced != str(len(content)) and len(content) <= LONGEST_FILE:
            raise OSError(f"{path}: the board sent {len(content)} of {announced[:20]} bytes")
        return content

    return read


def tile_path(level: str, index: int, width: int) -> str:
    """`tile/<level>/x001/x234/067[.p/<width>]`; level `entries` for bundles."""
    groups = f"{index:,}".split(",")
    groups = [group.zfill(3) for group in groups]
    path = "/".join(["tile", level, *(f"x{group}" for group in groups[:-1]), groups[-1]])
    return path if width == WIDTH else f"{path}.p/{width}"


def read_entries(read: Read, size: int, progress: Progress) -> list[bytes]:
    """The entries of a board of that size, in order. Missing and Refusal as `bundles`."""
    entries: list[bytes] = []
    for bundle, claimed in bundles(read, size):
        for entry, leaf in zip(bundle, claimed, strict=True):
            if leaf_hash(entry) != leaf:
                raise Refusal(f"entry {len(entries)} does not hash to its place in the level-0 tile")
            entries.append(entry)
        progress("read", len(entries), size)
    return entries


def bundles(read: Read, size: int) -> Iterator[tuple[list[bytes], list[bytes]]]:
    """For each bundle of a board of `size` entries: its entries and the leaf hashes that its level-0 tile claims.

    Missing if a file is not there, Refusal if it has another form than its place demands.
    """
    for index in range(-(-size // WIDTH)):
        width = min(WIDTH, size - index * WIDTH)
        bundle, full = _partial_or_full(read, "entries", index, width)
        entries, consumed = split_bundle(bundle, width, index)
        refuse_unless(full or consumed == len(bundle), f"bundle {index} is longer than its {width} entries")
        tile, full = _partial_or_full(read, "0", index, width)
        hashes = tile[: 32 * width] if full else tile
        if len(hashes) != 32 * width:
            raise Refusal(f"level-0 tile {index} has {len(hashes)} bytes, not {32 * width}")
        yield entries, [hashes[at : at + 32] for at in range(0, len(hashes), 32)]


def _partial_or_full(read: Read, level: str, index: int, width: int) -> tuple[bytes, bool]:
    """The file of this width, or the full one that may have replaced it; whether it is such a full one."""
    path = tile_path(level, index, width)
    content, full = read(path), False
    if content is None and width < WIDTH:
        content, full = read(tile_path(level, index, WIDTH)), True
    if content is None:
        raise Missing(f"{path} is not there")
    refuse_unless(len(content) <= (LONGEST_FILE if level == "entries" else 32 * WIDTH), f"{path} is too long")
    return content, full


def split_bundle(bundle: bytes, width: int, index: int) -> tuple[list[bytes], int]:
    """The first `width` entries of a bundle, and how many bytes they take. Refusal if there are fewer."""
    entries: list[bytes] = []
    try:
        for entry in islice(bundle_entries(bundle), width):
            entries.append(entry)
        ends_before = len(entries) < width
    except ValueError:
        ends_before = True
    if ends_before:
        raise Refusal(f"bundle {index} ends inside entry {index * WIDTH + len(entries)}")
    return entries, sum(2 + len(entry) for entry in entries)
