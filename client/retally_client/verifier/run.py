"""V01 to V21 over a board, reading it once from the first entry to the last (docs/spec, page 8).

    checkpoint          V01: the board's signature, the witnesses' quorum
    bundles, tiles      V02: each bundle hashes to its level-0 tile, all of them to the checkpoint's root
    entries             V03-V20: the record, the same fold the server admits through
    claims              V02: kept checkpoints and receipts agree with this board; V04: the times of opening and closing

Only one bundle of entries is in memory at a time; what the record keeps is said in `retally_crypto.record`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retally_client.verifier.board import BUNDLE_LIMIT, CHECKPOINT_LIMIT, TILE_LIMIT, Board, TooLong, Unreachable
from retally_client.verifier.claims import Claims, read_claims, v04_times
from retally_client.verifier.report import Report
from retally_client.verifier.web_bundle import v21_not_looked_at
from retally_crypto.checkpoints import CosignedCheckpoint, open_cosigned_checkpoint
from retally_crypto.checks.findings import CheckResult, conclude, incomplete_from
from retally_crypto.checks.v03_manifest import v03_unreadable
from retally_crypto.engine import engine
from retally_crypto.errors import Malformed, RetallyError
from retally_crypto.merkle import Frontier
from retally_crypto.policy import TrustPolicy
from retally_crypto.record import Record
from retally_crypto.tiles import TILE_WIDTH, Bundle, Tile, bundle_path, bundles_of, decode_bundle, tile_path

NO_WITNESS = "no witness: split views cannot be excluded"


class NotRead(RetallyError):
    """A file of the board is absent: V02 is incomplete."""


class Contradiction(RetallyError):
    """Two files of the board do not fit together: V02 fails."""


class Reading:
    """One pass over the entries: the record they make, and the tree they hash to."""

    def __init__(self, board: Board, claims: Claims) -> None:
        self.record: Record | None = None
        self.no_manifest = conclude("V03", ("the board has no entry",))
        self.tree = Frontier()
        self._board = board
        self._claims = claims

    def read(self, size: int, advance: Callable[[int], None]) -> None:
        """All bundles of a board of `size` entries. Raises NotRead or Contradiction at the first that is not right."""
        for bundle in bundles_of(size):
            raw, entries = _read_bundle(self._board, bundle)
            hashes = engine.hash_leaves(raw)
            _compare_with_tile(hashes, _read_level0(self._board, bundle), bundle)
            self._take(entries)
            self._hash(hashes)
            advance(bundle.width)

    def _take(self, entries: Sequence[bytes]) -> None:
        if self.tree.size == 0:
            try:
                self.record = Record(entries[0])
            except RetallyError as error:
                self.no_manifest = v03_unreadable(str(error))
            entries = entries[1:]
        if self.record is not None:
            self.record.replay(entries)

    def _hash(self, hashes: bytes) -> None:
        for start in range(0, len(hashes), 32):
            leaf = hashes[start : start + 32]
            self._claims.meet_leaf(self.tree.size, leaf)
            self.tree.append(leaf)
            if self.tree.size in self._claims.sizes:
                self._claims.roots[self.tree.size] = self.tree.root()


def verify_board(
    board: Board,
    policy: TrustPolicy,
    kept: Sequence[bytes] = (),
    receipts: Sequence[bytes] = (),
    begin: Callable[[int], None] = lambda entries: None,
    advance: Callable[[int], None] = lambda entries: None,
) -> Report:
    """Every check over one board.

    `kept` are checkpoints accepted earlier, `receipts` voters' `.tlog-proof` files. `begin` is told the number of
    entries, `advance` how many more were read. Raises Unreachable if the board does not answer or has no checkpoint;
    what an adversary can write into the files never raises, it fails its check. V21 is not looked at here: see
    `web_bundle.look_at_web`.
    """
    try:
        raw = board.read("checkpoint", CHECKPOINT_LIMIT)
        if raw is None:
            raise Unreachable(f"{board.location} has no checkpoint: this is no board, or nothing was published yet")
        head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum)
    except RetallyError as error:
        if isinstance(error, Unreachable) and not isinstance(error, TooLong):
            raise
        after = incomplete_from("V02", "V01 fails: there is no checkpoint to hold the entries against")
        return _report(board, policy, None, b"", None, (conclude("V01", (str(error),)), *after))
    size = head.checkpoint.size
    begin(size)
    claims = read_claims(board, policy, kept, receipts)
    reading = Reading(board, claims)
    failures, missing = [], []
    try:
        reading.read(size, advance)
        if reading.tree.root() != head.checkpoint.root:
            failures.append(
                f"the {size} entries hash to {reading.tree.root().hex()}, "
                f"the checkpoint says {head.checkpoint.root.hex()}"
            )
    except NotRead as error:
        missing.append(str(error))
    except (Contradiction, TooLong) as error:
        failures.append(str(error))
    v01 = conclude("V01", (), (), () if policy.witnesses else (NO_WITNESS,))
    if failures or missing:
        after = incomplete_from("V03", "V02: these entries are not those of the checkpoint")
        return _report(
            board, policy, head, raw, None, (v01, conclude("V02", failures, missing, claims.ignored), *after)
        )
    v02 = conclude("V02", claims.contradictions(size), (), claims.ignored)
    if reading.record is None:
        after = incomplete_from("V04", "V03 fails: the entries cannot be trusted to be the board's")
        return _report(board, policy, head, raw, None, (v01, v02, reading.no_manifest, *after))
    times = v04_times(claims, policy, reading.record, size)
    return _report(board, policy, head, raw, reading.record, (v01, v02, *reading.record.checks(policy, times)))


def _report(
    board: Board,
    policy: TrustPolicy,
    head: CosignedCheckpoint | None,
    raw: bytes,
    record: Record | None,
    checks: tuple[CheckResult, ...],
) -> Report:
    return Report(
        location=board.location,
        policy=policy,
        head=None if head is None else head.head,
        checkpoint=raw,
        record=record,
        checks=(*checks, v21_not_looked_at(record)),
    )


def _read_bundle(board: Board, bundle: Bundle) -> tuple[bytes, tuple[bytes, ...]]:
    path = bundle_path(bundle)
    raw = board.read(path, BUNDLE_LIMIT)
    if raw is None and bundle.width < TILE_WIDTH:
        # The board may have grown since, and need not keep a partial bundle once the full one is there.
        full = board.read(bundle_path(Bundle(bundle.index, TILE_WIDTH)), BUNDLE_LIMIT)
        raw = None if full is None else _first_entries(full, bundle.width)
    if raw is None:
        raise NotRead(f"{path} is not there: entries from {bundle.index * TILE_WIDTH} on are missing")
    try:
        return raw, decode_bundle(raw, bundle.width)
    except Malformed as error:
        raise Contradiction(f"{path}: {error}") from error


def _first_entries(raw: bytes, width: int) -> bytes:
    end = 0
    for _ in range(width):
        end += 2 + int.from_bytes(raw[end : end + 2], "big")
    return raw[:end]


def _read_level0(board: Board, bundle: Bundle) -> bytes:
    path = tile_path(Tile(0, bundle.index, bundle.width))
    raw = board.read(path, TILE_LIMIT)
    if raw is None and bundle.width < TILE_WIDTH:
        full = board.read(tile_path(Tile(0, bundle.index, TILE_WIDTH)), TILE_LIMIT)
        raw = None if full is None else full[: 32 * bundle.width]
    if raw is None:
        raise NotRead(f"{path} is not there")
    return raw


def _compare_with_tile(hashes: bytes, tile: bytes, bundle: Bundle) -> None:
    if tile == hashes:
        return
    if len(tile) != len(hashes):
        raise Contradiction(
            f"{tile_path(Tile(0, bundle.index, bundle.width))} has {len(tile)} bytes, not {len(hashes)}"
        )
    wrong = next(i for i in range(bundle.width) if tile[32 * i : 32 * i + 32] != hashes[32 * i : 32 * i + 32])
    raise Contradiction(f"entry {bundle.index * TILE_WIDTH + wrong} does not hash to its place in the level-0 tile")
