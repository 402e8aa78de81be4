"""A board's static files in a bucket that speaks S3, by `obstore`. Readers may be sent to the bucket itself.

Credentials, region and endpoint come from the environment that the library reads (`AWS_ACCESS_KEY_ID`,
`AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, `AWS_ENDPOINT_URL`, …), never from an address, and no error's text is passed on,
for it may hold them. A checkpoint is replaced only if it still is the one that was read (`If-Match`), so that a process
that was held up cannot put an old one over a newer one.
"""

import hashlib
import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store

from retally_server.board.tile_storage import checked_name

_AT_ONCE = 16
_SECONDS = "10s"
_RETRIES = 2


class ObjectStorage:
    """A bucket behind an S3 interface, by `obstore`. Objects are public data and may be read from the bucket itself."""

    def __init__(self, store: Any, checkpoint_seconds: int) -> None:
        """`store` is an obstore store at this board's prefix."""
        self._store = store
        self._checkpoint_seconds = checkpoint_seconds
        self._pool = ThreadPoolExecutor(_AT_ONCE, "tiles")

    def read(self, name: str) -> bytes | None:
        found = self._get(checked_name(name))
        return None if found is None else found[0]

    def keep(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        outcomes = self._pool.map(self._keep, *zip(*files, strict=True)) if files else ()
        return [name for name in outcomes if name is not None]

    def replace(self, name: str, content: bytes, older: Callable[[bytes], bool]) -> None:
        found = self._get(checked_name(name))
        if found is None:
            mode: Any = "create"
        elif found[0] == content:
            return
        elif not older(found[0]):
            raise OSError(f"{name} is newer than what was to replace it")
        else:
            mode = {"e_tag": found[1]}
        cached = f"public, max-age={self._checkpoint_seconds}"
        self._put(name, content, "text/plain; charset=utf-8", cached, mode)

    def remove_partials(self, name: str) -> None:
        try:
            pages = obstore.list(self._store, prefix=f"{checked_name(name)}.p")
            paths = [each["path"] for page in pages for each in page]
            if paths:
                obstore.delete(self._store, paths)
        except BaseError:
            return

    def _keep(self, name: str, content: bytes) -> str | None:
        try:
            there = obstore.head(self._store, checked_name(name))
        except FileNotFoundError:
            there = None
        except BaseError as error:
            raise _away(error) from None
        if there is not None and (there["size"] == len(content) and self._same(name, content, there["e_tag"])):
            return None
        self._put(name, content, "application/octet-stream", "public, max-age=31536000, immutable", "overwrite")
        return None if there is None else name

    def _same(self, name: str, content: bytes, e_tag: str | None) -> bool:
        """Whether the object holds `content`: by the MD5 that S3 gives as its tag, or by reading it."""
        tag = (e_tag or "").strip('"')
        if re.fullmatch(r"[0-9a-f]{32}", tag):
            return tag == hashlib.md5(content, usedforsecurity=False).hexdigest()
        return self.read(name) == content

    def _get(self, name: str) -> tuple[bytes, str | None] | None:
        try:
            found = obstore.get(self._store, name)
            return bytes(found.bytes()), found.meta["e_tag"]
        except FileNotFoundError:
            return None
        except BaseError as error:
            raise _away(error) from None

    def _put(self, name: str, content: bytes, media_type: str, cached: str, mode: Any) -> None:
        attributes: Any = {"Content-Type": media_type, "Cache-Control": cached}
        try:
            obstore.put(self._store, name, content, attributes=attributes, mode=mode, use_multipart=False)
        except BaseError as error:
            raise _away(error) from None


def open_bucket(bucket: str, prefix: str, checkpoint_seconds: int) -> ObjectStorage:
    """The storage at this prefix of a bucket; nothing is asked yet."""
    store = S3Store(
        bucket,
        prefix=prefix,
        client_options={
            "timeout": _SECONDS,
            "connect_timeout": _SECONDS,
            "allow_http": os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true",
        },
        retry_config={"max_retries": _RETRIES},
    )
    return ObjectStorage(store, checkpoint_seconds)


def _away(error: Exception) -> OSError:
    return OSError(f"the object storage refused or did not answer ({type(error).__name__})")
