"""What a voter's device has to know before it encrypts: the key K, the voter's ballot style, and her last ballot.

The light way, which reads a small part of the board and believes nothing that is not proved:

    checkpoint    signed by the policy's board key and cosigned by a quorum of its witnesses (V01)
    entry 0       its hash is the policy's election id, so the manifest is the one the voter means
    entries 0 to  each proved to be in the checkpoint's tree, from tiles, and put through the same record as every
    `opening`     verifier's: so K is the sum of the guardians' proven and confirmed commitments and not merely what
                  the authority signed (V05 to V07), and the roll is what the registrars committed to (V08)
    her ballots   the server is asked where they are; each is proved to be in the tree, its proof is verified under K,
                  and they form one chain from the first (V09 to V12). Only then is the last one signed as `previous`

A server that hides her last ballot, or a revocation or replacement during voting, gains nothing by it: the new ballot
then fails V11 or V12 for every verifier, and `retally track` shows it. What this way leaves to `retally verify` are the
ballots of other voters and the times of V04. The full way (`read_fully`) puts the whole board through the record.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from retally_client.voter.watching import SeenBallot, WatchedBoard
from retally_crypto.ballots import FIRST, verify_ballots
from retally_crypto.canonical import parse_json
from retally_crypto.checkpoints import open_cosigned_checkpoint, parse_checkpoint
from retally_crypto.encoding import b64url_encode
from retally_crypto.entries import Ballot, SignedEntry, election_id, parse_entry
from retally_crypto.errors import BadProof, Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import TreeHead, leaf_hash
from retally_crypto.notes import parse_note
from retally_crypto.policy import TrustPolicy
from retally_crypto.replay import Record
from retally_crypto.tile_files import bundles_of
from retally_crypto.tile_proofs import VerifiedTiles, consistency_proof_from_tiles
from retally_crypto.tiles import TILE_WIDTH, Bundle
from retally_crypto.tree_proofs import verify_consistency
from retally_verify.board import CHECKPOINT_LIMIT, Board, Unreachable, read_file, tile_reader
from retally_verify.progress import Progress
from retally_verify.run import verified

LOOKUP_LIMIT = 256 * 1024


@dataclass(frozen=True)
class Context:
    """What ballots are encrypted with, and the tree head from which that was learned."""

    policy: TrustPolicy
    manifest: Manifest
    key: bytes
    head: TreeHead

    @property
    def election_id(self) -> bytes:
        return self.policy.election_id


@dataclass(frozen=True)
class Standing:
    """A credential's place: its style's index in the manifest and its accepted ballots in board order."""

    credential: bytes
    style: int
    ballots: tuple[SeenBallot, ...]

    @property
    def previous(self) -> bytes:
        """What the next ballot names as `previous` (6.4)."""
        return self.ballots[-1].body_hash if self.ballots else FIRST


class NotOnRoll(Refused):
    """The credential was not on the roll when voting opened, or is no longer active."""


class ProvedEntries:
    """Entries of a board, each proved to be in the tree of one verified checkpoint before it is handed out."""

    def __init__(self, board: Board, policy: TrustPolicy) -> None:
        """Raises Unreachable, or what `open_cosigned_checkpoint` and `VerifiedTiles` raise."""
        raw = board.read("checkpoint", CHECKPOINT_LIMIT)
        if raw is None:
            raise Unreachable(f"{board.location} has no checkpoint: this is no board, or nothing was published yet")
        self.head = open_cosigned_checkpoint(raw, policy.board, policy.witnesses, policy.quorum).head
        self._board = board
        self._tiles = VerifiedTiles(self.head, tile_reader(board))
        self._last: tuple[Bundle, tuple[bytes, ...]] | None = None

    def bundle(self, bundle: Bundle) -> tuple[bytes, ...]:
        """The entries of a bundle. Raises Unreachable, Malformed or BadProof."""
        if self._last is None or self._last[0] != bundle:
            entries = read_bundle(self._board, bundle)
            for index, entry in enumerate(entries, start=bundle.index * TILE_WIDTH):
                if leaf_hash(entry) != self._tiles.hash_at(0, index):
                    raise BadProof(f"entry {index} is not the one of the checkpoint of size {self.head.size}")
            self._last = (bundle, entries)
        return self._last[1]

    def entry(self, index: int) -> bytes:
        """The entry at `index`. Raises Refused if the checkpoint does not cover it."""
        if not 0 <= index < self.head.size:
            raise Refused(f"entry {index} is not covered by the checkpoint of size {self.head.size}")
        place, offset = divmod(index, TILE_WIDTH)
        return self.bundle(Bundle(place, min(TILE_WIDTH, self.head.size - place * TILE_WIDTH)))[offset]


@dataclass(frozen=True)
class Opened:
    """The light way's result: the record of everything up to the opening, and the proved entries after it."""

    context: Context
    record: Record
    entries: ProvedEntries
    board: Board


def read_manifest(board: Board, policy: TrustPolicy) -> Manifest:
    """The manifest, known by its hash alone. Raises Refused if the board is not that of the policy's election."""
    raw = board.read("checkpoint", CHECKPOINT_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} has no checkpoint: this is no board, or nothing was published yet")
    # The size only says how wide the first bundle is; the hash decides.
    size = parse_checkpoint(parse_note(raw).text).size
    if size == 0:
        raise Unreachable(f"{board.location} has no entries yet")
    entry = read_bundle(board, Bundle(0, min(size, TILE_WIDTH)))[0]
    if election_id(entry) != policy.election_id:
        raise Refused(
            f"this board is of election {election_id(entry).hex()}, the policy trusts {policy.election_id.hex()}"
        )
    parsed = parse_entry(entry, None)
    if not isinstance(parsed, SignedEntry) or not isinstance(parsed.content, Manifest):
        raise Malformed("entry 0 is not a manifest")
    return parsed.content


def read_opened(board: Board, policy: TrustPolicy, advance: Callable[[int], None] = lambda entries: None) -> Opened:
    """Everything up to `opening`, proved and checked. Raises Refused if voting has not opened or a check fails."""
    entries = ProvedEntries(board, policy)
    record: Record | None = None
    for bundle in bundles_of(entries.head.size):
        for raw in entries.bundle(bundle):
            if record is None:
                record = Record(raw)
            else:
                record.replay([raw])
            advance(1)
            if record.phase != "setup":
                break
        if record is not None and record.phase != "setup":
            break
    if record is None:
        raise Unreachable(f"{board.location} has no entries yet")
    failed = [check for check in record.checks(policy, None) if check.state == "fail"]
    if failed:
        raise Refused(f"{failed[0].notes[0]}: do not vote on this board", failed[0].number)
    if record.joint_key is None:
        raise Refused("voting has not opened yet")
    return Opened(Context(policy, record.manifest, record.joint_key, entries.head), record, entries, board)


def standing(opened: Opened, credential: bytes) -> Standing:
    """The light way to a credential's ballots: ask the server where they are, prove and check every one.

    Raises NotOnRoll, Refused, BadProof, Malformed or Unreachable.
    """
    style = opened.record.style_of(credential)
    if style is None or not opened.record.is_active(credential):
        raise NotOnRoll("these codes are not on the roll as it was when voting opened")
    context = opened.context
    ballots: list[SeenBallot] = []
    for index in _look_up(opened.board, credential):
        ballot = parse_entry(opened.entries.entry(index), context.election_id)
        if not isinstance(ballot, Ballot) or ballot.credential != credential:
            raise Refused(f"the server names entry {index} as a ballot of this credential, which it is not")
        before = ballots[-1].body_hash if ballots else FIRST
        if ballot.previous != before:
            raise Refused(f"entry {index} does not continue the chain of this credential's ballots", "V12", index)
        if ballot.style != context.manifest.styles[style].id:
            raise Refused(f"entry {index} has style {ballot.style[:64]!r}, not that of its credential", "V11", index)
        if verify_ballots([ballot], context.manifest, context.election_id, context.key):
            raise BadProof(f"V10: the proof of entry {index} does not verify")
        ballots.append(SeenBallot(index, credential, ballot.body_hash))
    return Standing(credential, style, tuple(ballots))


def read_fully(
    board: Board,
    policy: TrustPolicy,
    credential: bytes,
    tell: Progress | None = None,
) -> tuple[Context, Standing]:
    """The full way: the whole board through the record. Raises Refused if any check fails."""
    watched = WatchedBoard(board, policy.election_id, lambda ballot: ballot.credential == credential)
    with verified(watched, policy, tell=tell) as done:
        record, head = done.record, done.report.head
        if done.report.failed or record is None or head is None:
            raise Refused(f"the board does not verify: {', '.join(done.report.failed) or 'it is incomplete'}")
        if record.joint_key is None:
            raise Refused("voting has not opened yet")
        style = record.style_of(credential)
        if style is None or not record.is_active(credential):
            raise NotOnRoll("these codes are not on the roll, or were revoked or replaced")
        accepted = set(record.ballots_of(credential))
        ballots = tuple(ballot for ballot in watched.found(head) if ballot.index in accepted)
        return Context(policy, record.manifest, record.joint_key, head), Standing(credential, style, ballots)


def require_same_board(board: Board, older: TreeHead, newer: TreeHead) -> None:
    """Raise BadProof unless the tree of `newer` continues that of `older`, both taken from verified checkpoints."""
    if newer.size < older.size:
        older, newer = newer, older
    verify_consistency(older, newer, consistency_proof_from_tiles(older.size, newer, tile_reader(board)))


def read_bundle(board: Board, bundle: Bundle) -> tuple[bytes, ...]:
    """The entries of a bundle, not yet verified. A partial bundle that is gone is cut from the full one."""
    raw = read_file(board, bundle)
    if raw is None:
        raise Unreachable(f"{board.location} has no {bundle.path}")
    return bundle.entries(raw)


def _look_up(board: Board, credential: bytes) -> list[int]:
    """Where the server says this credential's ballots are, ascending. Nothing in the answer is believed."""
    raw = board.read(f"credentials/{b64url_encode(credential)}", LOOKUP_LIMIT)
    if raw is None:
        raise Unreachable(f"{board.location} does not look up credentials: read the whole board with --full")
    try:
        answer: Any = parse_json(raw, LOOKUP_LIMIT)
        indices = [ballot["index"] for ballot in answer["ballots"]]
    except (Malformed, KeyError, TypeError):
        raise Malformed("the server's answer about this credential cannot be read") from None
    if not all(type(index) is int for index in indices) or indices != sorted(set(indices)):
        raise Malformed("the server's answer about this credential does not list entries in order")
    return indices
