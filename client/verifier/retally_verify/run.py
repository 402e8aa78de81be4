"""V01 to V21 over a board, in memory that does not grow with it (docs/spec, page 8; 8.4 for how).

checkpoint      V01: the board's signature, the witnesses' quorum
setup           entry by entry through the fold, up to the opening
ranges          V02, V09, V10: every range once, in parallel; those that an earlier run signed off are not read
ballots         V11, V12, V13: rows of all ranges, settled bucket by bucket; what is not ordinary, entry by entry
officials       V04-V08, V14-V20: the fold, the same rules that the server admits by
claims          V02: kept checkpoints and receipts agree with this board; V04: the times of opening and closing

This module reads and hashes; `stages` says what follows from what was read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.errors import RetallyError
from retally_crypto.policy import TrustPolicy
from retally_crypto.ranges import WIDTH, RangeSummary
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.findings import CheckResult, conclude, incomplete_from, of_the_board
from retally_crypto.rules.v21_web_bundle import v21_not_looked_at
from retally_crypto.tiles import TILE_WIDTH
from retally_verify.board_ranges import BoardRanges
from retally_verify.claims import Claims, read_claims, v04_times
from retally_verify.files import CHECKPOINT_LIMIT, Board, TooLong, Unreachable
from retally_verify.progress import Progress, Untold
from retally_verify.range_store import NOTHING_USED, RangeStore, Used, WorkingFolder, alone_on
from retally_verify.reading import Contradiction, NotRead, Threads, Workers
from retally_verify.report import Report, this_program
from retally_verify.roll_on_disk import DiskStorage
from retally_verify.setup import Setup, keep_setup, read_setup, recall_setup
from retally_verify.stages import Opened, close, index_entries, open_setup, record_of, settle_ballots, setup_record
from retally_verify.tree import BoardTree

NO_WITNESS = "no witness: split views cannot be excluded"


class Changed(RetallyError):
    """The board is not the one that ranges were signed off of: they have to be read again."""


@dataclass(frozen=True)
class Verified:
    """A report, and the record that it was made from, for roles that need to ask more than a report says.

    `record` is None if the entries are not the checkpoint's or there is no manifest. It reads files of the run: it can
    be asked as long as the block of `verified` lasts.
    """

    report: Report
    record: ElectionRecord | None


def verify(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    tell: Progress | None = None,
    signed_off: Path | None = None,
    workers: Workers | None = None,
) -> Report:
    """Every check over one board.

    `kept` are checkpoints accepted earlier, `receipts` voters' `.tlog-proof` files. `tell` hears how many entries were
    read, and of what follows. What is verified is kept in the folder `signed_off`, and what an earlier run has kept
    there is not read again; `workers` verify ranges, threads of this process unless told otherwise. Raises Unreachable
    if the board does not answer or has no checkpoint, Unusable if `signed_off` cannot be used; what an adversary can
    write into the files never raises, it fails its check. V21 is not looked at here: see `web_bundle.look_at_web`.
    """
    with verified(board, policy, kept, receipts, tell, signed_off, workers) as done:
        return done.report


verify_board = verify
"""The name that this function had before."""


@contextmanager
def verified(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    tell: Progress | None = None,
    signed_off: Path | None = None,
    workers: Workers | None = None,
) -> Iterator[Verified]:
    """As `verify`, with the record that the report was made from, while the block runs."""
    head = _checkpoint(board, policy)
    if isinstance(head, CheckResult):
        after = incomplete_from("V02", "V01 fails: there is no checkpoint to hold the entries against")
        yield _verified(policy, None, None, NOTHING_USED, (head, *after))
        return
    with ExitStack() as folders:
        run = _Run(board, policy, head, workers or Threads(), tell or Untold(), signed_off, folders)
        yield run.to_the_end(kept, receipts)


def _checkpoint(board: Board, policy: TrustPolicy) -> CosignedCheckpoint | CheckResult:
    """The checkpoint that the board shows, or V01 failing for it. Raises Unreachable if there is none."""
    try:
        raw = board.read("checkpoint", CHECKPOINT_LIMIT)
        if raw is None:
            raise Unreachable(f"{board.location} has no checkpoint: this is no board, or nothing was published yet")
        return open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    except Unreachable:
        raise
    except RetallyError as error:
        return conclude("V01", of_the_board("V01", str(error)))


@dataclass(frozen=True)
class _Run:
    """One verification of the board of a checkpoint whose signatures are right. Files that it needs while it works, and
    while its record is asked, go when `folders` is closed."""

    board: Board
    policy: TrustPolicy
    head: CosignedCheckpoint
    workers: Workers
    tell: Progress
    signed_off: Path | None
    folders: ExitStack

    @property
    def size(self) -> int:
        return self.head.checkpoint.size

    def to_the_end(self, kept: Sequence[bytes], receipts: Sequence[bytes]) -> Verified:
        """Nobody else keeps anything in the folder of what is signed off meanwhile."""
        if self.signed_off is None:
            return self._once(kept, receipts, anew=False)
        with alone_on(self.signed_off):
            try:
                return self._once(kept, receipts, anew=False)
            except Changed:
                self.folders.close()
                self.tell.stage("verifying everything again")
            return self._once(kept, receipts, anew=True)

    def _once(self, kept: Sequence[bytes], receipts: Sequence[bytes], *, anew: bool) -> Verified:
        """`anew` as in RangeStore. Raises Changed if what is signed off is not part of the board."""
        self.tell.begin(self.size)
        claims = read_claims(self.board, self.policy, kept, receipts)
        working = WorkingFolder(self.signed_off)
        self.folders.callback(working.remove)
        store = RangeStore(self.signed_off or working.path, anew)
        tree = BoardTree(claims)
        v01 = conclude("V01", (), (), () if self.policy.witnesses else (NO_WITNESS,))
        try:
            setup, record = self._read(store, tree, working.path)
        except NotRead as error:
            v02 = conclude("V02", (), (str(error),), claims.ignored)
        except (Contradiction, TooLong) as error:
            v02 = conclude("V02", of_the_board("V02", str(error)), (), claims.ignored)
        else:
            store.sign_off(self.head.raw)
            v02 = conclude("V02", of_the_board("V02", *claims.contradictions(self.size)), (), claims.ignored)
            rest = self._what_follows(setup, record, claims)
            return _verified(self.policy, self.head, record, store.used, (v01, v02, *rest))
        after = incomplete_from("V03", "V02: these entries are not those of the checkpoint")
        return _verified(self.policy, self.head, None, store.used, (v01, v02, *after))

    def _what_follows(self, setup: Setup, record: ElectionRecord | None, claims: Claims) -> tuple[CheckResult, ...]:
        """V03 to V20 of a board whose entries are the checkpoint's."""
        if record is not None:
            return record.checks(self.policy, v04_times(claims, self.policy, record, self.size))
        after = incomplete_from("V04", "V03 fails: the entries cannot be trusted to be the board's")
        return (setup.v03, *after)

    # ---- reading ----

    def _read(self, store: RangeStore, tree: BoardTree, folder: Path) -> tuple[Setup, ElectionRecord | None]:
        """Everything, stage by stage. Raises NotRead or Contradiction at the first file that is not right, Changed if
        what was signed off before is not part of this board."""
        setup = self._setup(store, tree, DiskStorage(folder))
        opened = open_setup(setup)
        if opened is None:
            self._require_root(store, tree)
            return setup, setup_record(setup, tree.root)
        ranges = BoardRanges(self.board, self.workers, store, opened.rules, opened.index, self.size)
        indexed = index_entries(opened, self._summaries(opened, ranges, store, tree), folder)
        # Nothing is read a second time before it is certain that it was the checkpoint's the first time.
        self._require_root(store, tree)
        self.tell.stage("settling ballots")
        settled = settle_ballots(indexed, ranges, self.size, folder)
        if settled.state.closing_index is None:
            return setup, record_of(settled, self.size, tree.root)
        return setup, record_of(close(settled, ranges, tree, self.tell), self.size, tree.root)

    def _setup(self, store: RangeStore, tree: BoardTree, storage: DiskStorage) -> Setup:
        """Up to the opening, recalled from what an earlier run has kept if it is there."""
        kept = store.setup(self.policy.election_id)
        recalled = None if store.anew else recall_setup(kept, self.size, storage)
        if recalled is None or recalled.opened is None:
            setup = read_setup(self.board, self.size, storage, tree.append, self.tell.advance)
            if setup.opened is not None and setup.state is not None:
                keep_setup(store.setup(setup.state.election_id), setup)
            return setup
        store.use(recalled.opened + 1, kept)
        self.tell.advance(-(-(recalled.opened + 1) // TILE_WIDTH) * TILE_WIDTH)
        # The opening's own range comes with the other ranges.
        tree.append(recalled.leaf_hashes[: recalled.opened // WIDTH * WIDTH * 32])
        return recalled

    def _summaries(
        self, opened: Opened, ranges: BoardRanges, store: RangeStore, tree: BoardTree
    ) -> Iterator[RangeSummary]:
        """The summaries of all ranges, each of them put into the tree first."""
        setup = opened.setup.leaf_hashes
        # Whole bundles up to the opening's were counted when the setup was read.
        advanced = -(-(opened.index + 1) // TILE_WIDTH) * TILE_WIDTH
        for summary in ranges.summaries():
            tree.append_range(summary)
            if summary.first <= opened.index and not summary.leaf_hashes.startswith(setup[32 * summary.first :]):
                # The range with the opening was read apart from the setup, and they are not of one board.
                if store.used.anything:
                    raise Changed("the setup that was signed off is not this board's")
                raise Contradiction("an entry of the setup has changed while the board was verified")
            yield summary
            self.tell.advance(max(0, summary.end - max(summary.first, advanced)))

    def _require_root(self, store: RangeStore, tree: BoardTree) -> None:
        if tree.root == self.head.checkpoint.root:
            return
        if store.used.anything:
            raise Changed("the board has changed in a part that was signed off")
        raise Contradiction(
            f"the {self.size} entries hash to {tree.root.hex()}, the checkpoint says {self.head.checkpoint.root.hex()}"
        )


def _verified(
    policy: TrustPolicy,
    head: CosignedCheckpoint | None,
    record: ElectionRecord | None,
    used: Used,
    checks: tuple[CheckResult, ...],
) -> Verified:
    manifest = None if record is None else record.manifest
    trusted = record is not None and next(check for check in checks if check.number == "V03").state != "fail"
    report = Report(
        policy=policy,
        head=None if head is None else head.head,
        checkpoint=b"" if head is None else head.raw,
        checks=(*checks, v21_not_looked_at(manifest)),
        manifest=manifest,
        outcome=record.outcome() if record is not None and trusted else None,
        program=this_program(),
        kept=used,
    )
    return Verified(report, record)
