"""Where summaries of ranges are kept: the part of a board that is signed off, so that it is verified once (8.4).

    <folder>/<first>-<entries>-<rules>.range    one range, as `retally_crypto.ranges` encodes it
    <folder>/<first>-<entries>-<rules>.out      what some of its ballots add up to that do not count, and which
    <folder>/<election>.setup                   entries up to the opening, as `setup` encodes them
    <folder>/lock                               held by the one run that may write here
    <folder>/retally-run-*/                     what a run needs while it works
    <folder>/signed-off.checkpoint              the checkpoint that all of them were last found to be part of

What is kept is bound to its entries by their leaf hashes: a run that uses it finds it to be part of the checkpoint's
tree, or throws it away. Files are written whole and renamed, so that a run which is killed leaves whole ranges behind.
The folder is as trusted as this program: who can write to it can change the verdict.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from retally_crypto.engine import engine
from retally_crypto.errors import Malformed, Unusable
from retally_crypto.ranges import RangeSummary, Rules, decode_summary, decode_sums, encode_sums
from retally_verify.whole_files import replace_whole

VERIFIED_BY = f"{version('retally-verify')} {engine.NAME} {engine.VERSION}".encode()
"""What another version or engine has verified is not taken."""
OURS = re.compile(r"(\d{12}-\d+-[0-9a-f]{16,32}\.(range|out)|[0-9a-f]{16,32}\.setup|signed-off\.checkpoint)(\.new)?")
"""The names of what is kept, and of what a run that was killed was about to keep."""


@dataclass(frozen=True)
class Range:
    """Entries first..end-1, of which those from `begin` on are ruled on under `rules`."""

    first: int
    end: int
    begin: int
    rules: Rules


@dataclass(frozen=True)
class Used:
    """How many entries were not verified again, and when (POSIX seconds) the oldest of what was taken for them was
    kept; None if nothing was taken."""

    entries: int
    oldest: int | None

    @property
    def anything(self) -> bool:
        return self.oldest is not None


NOTHING_USED = Used(0, None)


@contextmanager
def alone_on(folder: Path) -> Iterator[None]:
    """No other run keeps anything in this folder while the block runs. Raises Unusable if one does now, or if the
    folder cannot be written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = _locked(folder)
    except OSError as error:
        raise Unusable(
            f"{folder} cannot keep what is verified: {error.strerror}; --signed-off names a folder"
        ) from None
    if handle is None:
        raise Unusable(f"{folder}: another run keeps what it verifies there now; --signed-off names another folder")
    try:
        yield
    finally:
        os.close(handle)


class RangeStore:
    """The summaries in one folder, which is made if it is not there. `used` says how much of an earlier run was taken.

    `anew`: none is taken, but each stays until its range was read again, and the last of them until `sign_off`.
    """

    def __init__(self, folder: Path, anew: bool = False) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._left = {path.name for path in folder.iterdir()}
        self._made: set[str] = set()
        self.anew = anew
        self.used = NOTHING_USED

    def has(self, wanted: Range) -> bool:
        """Whether an earlier run has left the summary of exactly this range."""
        return not self.anew and self._path(wanted, "range").name in self._left

    def find(self, wanted: Range) -> RangeSummary | None:
        """The summary that an earlier run has left, if it is sound."""
        try:
            summary = self.take(wanted)
        except (OSError, Malformed):
            return None
        self.use(summary.end - summary.begin, self._path(wanted, "range"))
        return summary

    def use(self, entries: int, path: Path) -> None:
        """So many entries are not verified again, because an earlier run has left this file."""
        made = int(path.stat().st_mtime)
        oldest = made if self.used.oldest is None else min(made, self.used.oldest)
        self.used = Used(self.used.entries + entries, oldest)

    def put(self, of: Range, encoded: bytes) -> RangeSummary:
        """Keeps a summary; shorter ones of the same range are of no more use. Raises Malformed if it is another's."""
        summary = _decoded(of, encoded)
        replace_whole(self._path(of, "range"), encoded)
        self._made |= {self._path(of, ending).name for ending in ("range", "out")}
        same = re.compile(rf"{of.first:012d}-(\d+)-{_rules(of)}\.(range|out)")
        for left in [left for left in map(same.fullmatch, self._left) if left is not None]:
            if int(left[1]) < of.end - of.first:
                (self._folder / left[0]).unlink(missing_ok=True)
                self._left.remove(left[0])
        return summary

    def take(self, of: Range) -> RangeSummary:
        """A summary that was found or put before. Raises Malformed if somebody has damaged it since."""
        return _decoded(of, self._path(of, "range").read_bytes())

    def has_sums(self, of: Range, indices: Sequence[int]) -> bool:
        """Whether `put_sums` was told of the same ballots of the same entries, and the file is sound."""
        try:
            raw = self._path(of, "out").read_bytes()
        except FileNotFoundError:
            return False
        return raw[:64] == self._digest(of, indices) + sha256(raw[64:]).digest()

    def put_sums(self, of: Range, indices: Sequence[int], encoded: bytes) -> None:
        """Keeps what the ballots at these indices add up to. Raises Malformed if these are no sums."""
        sums = decode_sums(encoded)
        if not sums or encode_sums(sums) != encoded:
            raise Malformed(f"these are not the sums of ballots among entries {of.first} to {of.end - 1}")
        replace_whole(self._path(of, "out"), self._digest(of, indices) + sha256(encoded).digest() + encoded)

    def sums_of(self, of: Range) -> dict[int, bytes]:
        """What `has_sums` has found, or was put, style by style."""
        return decode_sums(self._path(of, "out").read_bytes()[64:])

    def setup(self, election_id: bytes) -> Path:
        """The file of this election's setup (`setup.keep_setup`)."""
        path = self._folder / f"{sha256(election_id + VERIFIED_BY).hexdigest()[:32]}.setup"
        self._made.add(path.name)
        return path

    def sign_off(self, checkpoint: bytes) -> None:
        """All summaries are part of this checkpoint's tree, which the file says to people: nothing is decided by it."""
        if self.anew:
            self._remove(name for name in self._left if name not in self._made)
        replace_whole(self._folder / "signed-off.checkpoint", checkpoint)

    def clear(self) -> None:
        """Forgets everything that was kept here, and touches nothing else in the folder."""
        self._remove(path.name for path in self._folder.iterdir())
        self._left.clear()
        self.used = NOTHING_USED

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            if OURS.fullmatch(name):
                (self._folder / name).unlink(missing_ok=True)

    def _path(self, of: Range, ending: str) -> Path:
        return self._folder / f"{of.first:012d}-{of.end - of.first}-{_rules(of)}.{ending}"

    def _digest(self, of: Range, indices: Sequence[int]) -> bytes:
        """Names these ballots: the hash at the end of the range's summary stands for the entries' bytes."""
        with self._path(of, "range").open("rb") as file:
            file.seek(-32, os.SEEK_END)
            return sha256(file.read() + b"".join(index.to_bytes(8, "big") for index in indices)).digest()


def _rules(of: Range) -> str:
    """What a range was read under, in names of files."""
    return sha256(of.rules.name + of.begin.to_bytes(8, "big") + VERIFIED_BY).hexdigest()[:32]


def _decoded(of: Range, encoded: bytes) -> RangeSummary:
    summary = decode_summary(encoded)
    if (summary.first, summary.end, summary.begin) != (of.first, of.end, of.begin):
        raise Malformed(f"this is the summary of entries {summary.first} to {summary.end - 1}, not of {of.first} on")
    return summary


class WorkingFolder:
    """What one run needs on disk: a folder beside what is kept, if something is. It goes with `remove`, or when a later
    run finds it left behind."""

    def __init__(self, store: Path | None) -> None:
        """Whoever gives a `store` is alone on it, but reports of runs before may still be asked."""
        for left in () if store is None else store.glob("retally-run-*"):
            _remove_if_left(left)
        self.path = Path(tempfile.mkdtemp(prefix="retally-run-", dir=store))
        self._handle = None if store is None else _locked(self.path)

    def remove(self) -> None:
        """Removes it."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def _remove_if_left(folder: Path) -> None:
    """Removes a working folder that nobody holds; whatever else has such a name stays."""
    if folder.is_symlink():
        return
    try:
        handle = _locked(folder, os.O_RDWR)
    except OSError:
        # A run that was killed before it could lock its folder has left it empty.
        with suppress(OSError):
            folder.rmdir()
        return
    if handle is not None:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _locked(folder: Path, flags: int = os.O_RDWR | os.O_CREAT) -> int | None:
    """A handle that holds the folder's lock until it is closed; None if somebody else holds it. Raises OSError."""
    handle = os.open(folder / "lock", flags, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle
