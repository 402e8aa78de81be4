"""Where summaries of ranges are kept: the part of a board that is signed off, so that it is verified once (8.4).

    <folder>/<first>-<entries>-<rules>.range    one range, as `retally_crypto.ranges` encodes it
    <folder>/<first>-<entries>-<rules>.out      what was taken out of its sums, for which ballots
    <folder>/<election>.setup                   entries up to the opening, as `setup` encodes them
    <folder>/checkpoint                         the checkpoint that all of them were last found to be part of

What is kept is bound to its entries by their leaf hashes: a run that uses it finds it to be part of the checkpoint's
tree, or throws it away. Files are written whole and renamed, so that a run which is killed leaves whole ranges behind.
The folder is as trusted as this program: who can write to it can change the verdict.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from retally_crypto.engine import engine
from retally_crypto.errors import Malformed
from retally_crypto.policy import TrustPolicy
from retally_crypto.ranges import RangeSummary, Rules, decode_summary

VERIFIED_BY = f"{version('retally-client')} {engine.NAME} {engine.VERSION}".encode()
"""What another version or engine has verified is not taken."""


@dataclass(frozen=True)
class Range:
    """Entries first..end-1, of which those from `begin` on are ruled on under `rules`."""

    first: int
    end: int
    begin: int
    rules: Rules


def default_store(policy: TrustPolicy) -> Path:
    """`$XDG_STATE_HOME/retally/verified/<board>`, by default under `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    base = Path(state) if state else Path.home() / ".local" / "state"
    name = sha256(policy.board.name.encode() + b"\n" + policy.election_id).hexdigest()[:32]
    return base / "retally" / "verified" / name


class RangeStore:
    """The summaries in one folder, which is made if it is not there. `used` says whether an earlier run's was taken."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._left = {path.name for path in folder.iterdir()}
        self.used = False

    def has(self, wanted: Range) -> bool:
        """Whether an earlier run has left the summary of exactly this range."""
        return self._path(wanted, "range").name in self._left

    def find(self, wanted: Range) -> RangeSummary | None:
        """The summary that an earlier run has left, if it is sound."""
        try:
            summary = self.take(wanted)
        except (OSError, Malformed):
            return None
        self.used = True
        return summary

    def put(self, of: Range, encoded: bytes) -> None:
        """Keeps a summary; shorter ones of the same range are of no more use."""
        replace(self._path(of, "range"), encoded)
        for name in [name for name in self._left if name.startswith(f"{of.first:012d}-")]:
            entries = name.split("-")[1]
            if entries.isdigit() and int(entries) < of.end - of.first:
                (self._folder / name).unlink(missing_ok=True)
                self._left.remove(name)

    def take(self, of: Range) -> RangeSummary:
        """A summary that was found or put before. Raises Malformed if somebody has damaged it since."""
        return decode_summary(self._path(of, "range").read_bytes())

    def has_out(self, of: Range, indices: Sequence[int]) -> bool:
        """Whether `put_out` was told of the same ballots of this range, and the file is sound."""
        try:
            raw = self._path(of, "out").read_bytes()
        except FileNotFoundError:
            return False
        return raw[:64] == _digest(indices) + sha256(raw[64:]).digest()

    def put_out(self, of: Range, indices: Sequence[int], encoded: bytes) -> None:
        """Keeps what the ballots at these indices add up to."""
        replace(self._path(of, "out"), _digest(indices) + sha256(encoded).digest() + encoded)

    def take_out(self, of: Range) -> bytes:
        """What was put last for this range."""
        return self._path(of, "out").read_bytes()[64:]

    def setup(self, election_id: bytes) -> Path:
        """The file of this election's setup (`setup.keep_setup`)."""
        return self._folder / f"{sha256(election_id + VERIFIED_BY).hexdigest()[:16]}.setup"

    def sign_off(self, checkpoint: bytes) -> None:
        """All summaries are part of this checkpoint's tree."""
        replace(self._folder / "checkpoint", checkpoint)

    def clear(self) -> None:
        """Forgets everything."""
        for path in self._folder.iterdir():
            if path.is_file():
                path.unlink()
        self._left.clear()
        self.used = False

    def _path(self, of: Range, ending: str) -> Path:
        rules = sha256(of.rules.name + of.begin.to_bytes(8, "big") + VERIFIED_BY).hexdigest()[:16]
        return self._folder / f"{of.first:012d}-{of.end - of.first}-{rules}.{ending}"


def replace(path: Path, content: bytes) -> None:
    """Writes a file whole or not at all."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    temporary.write_bytes(content)
    temporary.replace(path)


def working_folder(store: Path | None) -> Path:
    """A new folder for what one run needs on disk, removed with `remove_folder`; beside what is kept, if something is.

    What runs that were killed have left there is removed.
    """
    if store is None:
        return Path(tempfile.mkdtemp(prefix="retally-"))
    store.mkdir(parents=True, exist_ok=True, mode=0o700)
    for left in store.glob("run-*-*"):
        if not _alive(left.name.split("-")[1]):
            remove_folder(left)
    return Path(tempfile.mkdtemp(prefix=f"run-{os.getpid()}-", dir=store))


def _alive(process: str) -> bool:
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, ValueError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def remove_folder(folder: Path) -> None:
    """Removes a working folder."""
    shutil.rmtree(folder, ignore_errors=True)


def _digest(indices: Sequence[int]) -> bytes:
    return sha256(b"".join(index.to_bytes(8, "big") for index in indices)).digest()
