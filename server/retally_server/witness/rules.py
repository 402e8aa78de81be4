"""add-checkpoint: when a witness cosigns, and what it answers otherwise (C2SP tlog-witness).

| status | when |
|---|---|
| 200 | the checkpoint is the log's and consistent with the latest one cosigned; stored, then cosigned |
| 400 | the request cannot be read, or the old size is above the checkpoint's |
| 404 | no log of this origin is known here |
| 403 | no signature of the log's key, or a wrong one |
| 409 | the old size is not that of the latest cosigned checkpoint; the body is that size |
| 422 | the proof does not show that the log only grew |

Promise: for one origin, the trees of all checkpoints ever cosigned are prefixes of each other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from retally_crypto.checkpoints import Checkpoint, parse_checkpoint
from retally_crypto.errors import BadProof, Malformed, Refused, RetallyError
from retally_crypto.merkle import EMPTY_ROOT, TreeHead
from retally_crypto.notes import Note, VerifierKey, format_note, parse_signature_lines, verify_note
from retally_crypto.secret.sign import SigningKey, cosign
from retally_crypto.tree_proofs import verify_consistency
from retally_server.add_checkpoint import AddCheckpoint, parse_add_checkpoint
from retally_server.witness.store import Latest, Seen, Store

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"

_log = structlog.get_logger()


@dataclass(frozen=True)
class Reply:
    """An HTTP answer."""

    status: int
    content: bytes
    media_type: str = TEXT_TYPE


def add_checkpoint(store: Store, key: SigningKey, clock: Callable[[], float], body: bytes) -> Reply:
    """The answer to one add-checkpoint request. What it cosigned is durable before this returns."""
    try:
        request = parse_add_checkpoint(body)
    except Malformed as error:
        return _refusal(400, str(error))
    trusted = store.keys_of(request.origin)
    if not trusted:
        _log.info("refused", status=404)
        return _refusal(404, "this witness knows no log of this origin")
    try:
        signers = verify_note(request.note, trusted)
    except RetallyError as error:
        _log.warning("refused", log=request.origin, status=403)
        return _refusal(403, str(error))
    try:
        checkpoint = parse_checkpoint(request.note.text)
    except Malformed as error:
        return _refusal(400, str(error))
    except Refused as error:
        return _refusal(422, str(error))
    if request.old_size > checkpoint.size:
        return _refusal(400, f"the old size {request.old_size} is above the checkpoint's {checkpoint.size}")
    with store.latest(request.origin) as latest:
        reply = _judge(latest, request, checkpoint, signers, key, int(clock()))
    _log.info("answered", log=request.origin, size=checkpoint.size, status=reply.status)
    return reply


def _judge(
    latest: Latest,
    request: AddCheckpoint,
    checkpoint: Checkpoint,
    signers: tuple[VerifierKey, ...],
    key: SigningKey,
    now: int,
) -> Reply:
    older = TreeHead(0, EMPTY_ROOT) if latest.seen is None else TreeHead(latest.seen.size, latest.seen.root)
    if checkpoint.size == older.size and checkpoint.root != older.root:
        latest.keep_evidence(checkpoint.size, checkpoint.root, format_note(request.note))
        _log.error("the log signed two roots at one size", log=request.origin, size=checkpoint.size)
    if request.old_size != older.size:
        return Reply(409, b"%d\n" % older.size, SIZE_TYPE)
    try:
        _require_consistent(older, checkpoint, request.proof)
    except BadProof as error:
        return _refusal(422, str(error))
    line = cosign(request.note.text, key, now)
    kept = [each for each in request.note.signatures if any(_is_of(each.name, each.key_id, one) for one in signers)]
    note = Note(request.note.text, (*kept, *parse_signature_lines(line.decode())))
    latest.replace(Seen(checkpoint.size, checkpoint.root, format_note(note)))
    return Reply(200, line)


def _require_consistent(older: TreeHead, checkpoint: Checkpoint, proof: tuple[bytes, ...]) -> None:
    if older.size > 0:
        verify_consistency(older, checkpoint.head, proof)
    elif proof:
        raise BadProof("from size 0 there is nothing to prove, and the proof must be empty")


def _is_of(name: str, key_id: bytes, key: VerifierKey) -> bool:
    return (name, key_id) == (key.name, key.key_id)


def _refusal(status: int, reason: str) -> Reply:
    return Reply(status, reason.encode() + b"\n")
