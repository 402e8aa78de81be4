"""`retally mirror --follow`: a verified copy that watches its board, step by step (docs/spec, 3.1, 9.3).

A step holds the board's checkpoints against the mirror's, proves that the board only grew, fetches and hashes what is
new, and looks at it. It ends in alerts:

| alert | meaning | what is kept |
|---|---|---|
| fork | the board's key signed two histories | evidence that proves it to anyone (`split_view`) |
| rollback | the board shows less than it signed before | the checkpoints it shows |
| growth | something other than the tally was appended after the closing | it is in the mirror |
| fault | its files do not fit its checkpoint, or the mirror's of opening and closing | the checkpoints it shows |
| stall | no answer, or entries without the witnesses' quorum, for a while | nothing |
| check | with --verify: a check fails that did not fail before | nothing: the mirror shows it |

A rollback or a fault is an alert when the look before was one or the other, too. Nothing a board serves raises: only
this machine's disk does.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Literal

from retally_crypto.entries import Closing, SignedEntry, check_signatures, parse_entry
from retally_crypto.errors import RetallyError
from retally_crypto.manifest import Manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.tiles import TILE_WIDTH, Bundle, Tile, bundle_path, tile_path
from retally_verify.board import CHECKPOINT_LIMIT, Board, FolderBoard, TooLong, Unreachable
from retally_verify.durable_files import replace_durably
from retally_verify.mirroring import EFFECTS, Hashed, earlier_head, mirror_board
from retally_verify.split_view import CHECKPOINTS, View, find_split, format_split, views_of

Kind = Literal["fork", "rollback", "growth", "fault", "stall", "check"]
TALLY_KINDS = ("paper-count", "partial-decryption", "result")
EVIDENCE = "evidence"
NAMED = 8
"""Entries that an alert names; the others it counts."""


@dataclass(frozen=True)
class Alert:
    """What is wrong, and the file that shows it."""

    kind: Kind
    text: str
    evidence: Path | None = None


@dataclass
class Entries:
    """What a follower knows of the entries so far: the manifest, where the closing stands, how many entries after it
    do not belong to the tally, and which of these came first since it last spoke of them."""

    size: int = 0
    manifest: Manifest | None = None
    closing: int | None = None
    late: int = 0
    named: tuple[int, ...] = ()

    def meet(self, first: int, entries: Sequence[bytes], policy: TrustPolicy) -> None:
        """Looks at entries first, first + 1, …; those it has seen before are passed over."""
        for index, raw in enumerate(entries, start=first):
            if index < self.size:
                continue
            self.size = index + 1
            try:
                entry = parse_entry(raw, policy.election_id if index else None)
            except RetallyError:
                entry = None
            content = entry.content if isinstance(entry, SignedEntry) else None
            if index == 0 and isinstance(content, Manifest) and sha256(raw).digest() == policy.election_id:
                self.manifest = content
            elif self.closing is not None and (content is None or content.kind not in TALLY_KINDS):
                self.late += 1
                if len(self.named) < NAMED:
                    self.named += (index,)
            elif isinstance(content, Closing) and isinstance(entry, SignedEntry) and self.manifest is not None:
                try:
                    check_signatures(entry, self.manifest)
                except RetallyError:
                    continue
                self.closing = index


def follow(
    board: Board, policy: TrustPolicy, folder: Path, stall: float = 900.0, clock: Callable[[], float] = time.time
) -> Iterator[list[Alert]]:
    """One look at the board after the other, each when the caller asks for the next: what it found, which is nothing
    as long as all is well. The mirror in `folder` grows with each. Raises Refused if the folder holds another board,
    OSError if it cannot be written; what a board serves raises nothing. See `Follower`."""
    follower = Follower(board, policy, folder, stall, clock)
    while True:
        yield follower.step()


class Follower:
    """One board, one mirror. `clock` gives POSIX seconds, `stall` is how many of them are too many.

    `size` is the mirror's, -1 before it was held against the board; `changed` says whether the last step added to it.
    """

    def __init__(
        self, board: Board, policy: TrustPolicy, folder: Path, stall: float, clock: Callable[[], float]
    ) -> None:
        self.size = -1
        self.changed = False
        self._board = board
        self._policy = policy
        self._folder = folder
        self._stall = stall
        self._clock = clock
        self._hashed = Hashed()
        self._entries = Entries()
        self._well = clock()
        self._stalled = False
        self._in_doubt = False

    def step(self) -> list[Alert]:
        """One look at the board. Raises Refused if the folder holds another board, OSError if it cannot be written."""
        folder = self._folder
        folder.mkdir(parents=True, exist_ok=True)
        mirror = FolderBoard(folder)
        earlier = earlier_head(mirror, self._policy)
        self.changed = False
        try:
            shown = list(views_of(self._board, self._policy.board))
            if not shown or not shown[0].name.endswith("/checkpoint"):
                return self._silent("the board shows no checkpoint")
            if earlier.size > 0:
                note = mirror.read("checkpoint", CHECKPOINT_LIMIT) or b""
                effects = self._effects(earlier.size)
                if alerts := self._compare(View(str(folder), note, earlier, mirror), [*shown, *effects]):
                    return alerts
            if earlier.size > 0 and shown[0].head.size < earlier.size:
                return self._doubtful("rollback", f"{shown[0].head.size} entries, it signed {earlier.size}")
            faults, alerts = self._take(earlier.size)
        except TooLong as error:
            return self._doubtful("fault", str(error))
        except Unreachable as error:
            return self._silent(str(error))
        except RetallyError as error:
            return self._doubtful("fault", str(error))
        if faults:
            return alerts + self._doubtful("fault", "; ".join(faults))
        self._in_doubt = False
        return alerts or self._watch_quorum(shown)

    def _effects(self, size: int) -> list[View]:
        """The checkpoints of opening and closing that the mirror's tree of this size covers. What else is wrong with
        them is said when they are taken; the board need not have the tiles of larger ones any more."""
        found: list[View] = []
        for name in EFFECTS:
            with suppress(RetallyError):
                found += views_of(self._board, self._policy.board, (name,))
        return [view for view in found if view.head.size <= size]

    def _compare(self, mine: View, shown: Sequence[View]) -> list[Alert]:
        for view in shown:
            split = find_split(mine, view)
            if split is not None:
                path = self._keep(f"split-view-{view.head.root.hex()[:16]}.json", format_split(split))
                text = f"{view.name} with {view.head.size} entries contradicts {mine.head.size} entries signed before"
                return [Alert("fork", text, path)]
        return []

    def _take(self, earlier: int) -> tuple[Sequence[str], list[Alert]]:
        """Brings the mirror forward. What is wrong with files that are not the tree's, and alerts."""
        # What is met stands only once the board is found right: until then it is another's.
        met = replace(self._entries, late=0, named=())
        mirrored = mirror_board(
            self._board,
            self._policy,
            self._folder,
            hashed=self._hashed,
            meet=lambda first, entries: met.meet(first, entries, self._policy),
        )
        self._entries = met
        size = mirrored.head.checkpoint.size
        self.changed = size != self.size or bool(mirrored.taken)
        self.size = size
        self._prune(earlier)
        if not met.late:
            return mirrored.faults, []
        places = ", ".join(map(str, met.named))
        text = f"{met.late} entries after the closing do not belong to the tally: {places}"
        return mirrored.faults, [Alert("growth", text)]

    def _watch_quorum(self, shown: Sequence[View]) -> list[Alert]:
        if max(view.head.size for view in shown) > self.size:
            return self._silent(f"entries from {self.size} on have no quorum of witnesses")
        self._well, self._stalled = self._clock(), False
        return []

    def _silent(self, text: str) -> list[Alert]:
        waited = self._clock() - self._well
        if waited < self._stall or self._stalled:
            return []
        self._stalled = True
        return [Alert("stall", f"{text}, for {int(waited)} seconds")]

    def _doubtful(self, kind: Kind, text: str) -> list[Alert]:
        """Alerts at the second time in a row: a cache, or a board that was just being written, explains the first."""
        first, self._in_doubt = not self._in_doubt, True
        return [] if first else [Alert(kind, f"{self._board.location}: {text}", self._keep_shown(kind))]

    def _keep_shown(self, kind: Kind) -> Path | None:
        """A folder with the checkpoints that the board shows now, under their names."""
        shown: dict[str, bytes] = {}
        for name in (*CHECKPOINTS, *EFFECTS):
            with suppress(Unreachable, TooLong):
                note = self._board.read(name, CHECKPOINT_LIMIT)
                if note is not None:
                    shown[name] = note
        if not shown:
            return None
        digest = sha256(b"".join(sha256(note).digest() for note in shown.values())).hexdigest()
        paths = [self._keep(f"{kind}-{digest[:16]}/{name}", note) for name, note in shown.items()]
        return paths[0].parent

    def _keep(self, name: str, content: bytes) -> Path:
        path = self._folder / EVIDENCE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_durably(path, content)
        return path

    def _prune(self, earlier: int) -> None:
        """Removes the partial bundles and lowest tiles that only the mirror's earlier checkpoint needed."""
        last, width = divmod(self.size, TILE_WIDTH)
        for index in range(earlier // TILE_WIDTH, last + 1):
            for name in (bundle_path(Bundle(index, TILE_WIDTH)), tile_path(Tile(0, index, TILE_WIDTH))):
                partial = self._folder / f"{name}.p"
                if index < last:
                    shutil.rmtree(partial, ignore_errors=True)
                elif partial.is_dir():
                    for path in partial.iterdir():
                        if path.name != str(width):
                            path.unlink()
