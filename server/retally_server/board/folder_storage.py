"""A board's static files in a folder on a local disk; what is written is there after a power cut (`durable`)."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from retally_server.board.tile_storage import checked_name
from retally_server.durable import write_durably


class FolderStorage:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        """`folder` need not exist yet."""
        self.folder = folder

    def read(self, name: str) -> bytes | None:
        try:
            return (self.folder / checked_name(name)).read_bytes()
        except FileNotFoundError:
            return None

    def keep(self, files: Sequence[tuple[str, bytes]]) -> list[str]:
        damaged = []
        for name, content in files:
            there = self.read(name)
            if there != content:
                if there is not None:
                    damaged.append(name)
                write_durably(self.folder / name, content)
        return damaged

    def replace(self, name: str, content: bytes, older: Callable[[bytes], bool]) -> None:
        there = self.read(name)
        if there is not None and there != content and not older(there):
            raise OSError(f"{name} is newer than what was to replace it")
        write_durably(self.folder / checked_name(name), content)

    def remove_partials(self, name: str) -> None:
        shutil.rmtree(self.folder / f"{checked_name(name)}.p", ignore_errors=True)
