"""Where the settings say that a board's static files are: a folder, or a bucket that speaks S3."""

from pathlib import Path
from urllib.parse import urlsplit

from retally_crypto.errors import Unusable
from retally_server.board.folder_storage import FolderStorage
from retally_server.board.tile_storage import TileStorage


def open_storage(place: str | None, folder: Path, slug: str, checkpoint_seconds: int) -> TileStorage:
    """The storage of the board `slug`: at `place` (s3://bucket/prefix), or in `folder` where there is none.

    Raises Unusable if the place is none, or the library for it is not installed.
    """
    if place is None:
        return FolderStorage(folder / slug)
    parts = urlsplit(place)
    if parts.scheme != "s3" or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise Unusable("tiles: not of the form s3://bucket/prefix; credentials come from the environment (AWS_…)")
    try:
        from retally_server.board.object_storage import open_bucket
    except ImportError as error:
        raise Unusable("tiles: the package obstore is missing (retally-server[object-storage])") from error
    return open_bucket(parts.hostname, f"{parts.path.strip('/')}/{slug}".strip("/"), checkpoint_seconds)
