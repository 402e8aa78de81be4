"""The log: its checkpoint and tiles as static files (C2SP tlog-tiles), and proofs for who does not want to compute
them.

An auditor needs the files only. They can be served by any static file host instead; the handlers of files never read
the database.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from retally_crypto.encoding import b64url_encode
from retally_crypto.errors import Malformed
from retally_crypto.tile_files import parse_tile_path
from retally_server.api.answers import RECEIPT, ConsistencyProof, InclusionProof
from retally_server.api.context import BoardHere, ElectionsHere, published
from retally_server.api.problems import Problem, documented
from retally_server.board.board_files import CHECKPOINT

router = APIRouter(tags=["Log"])

_TILE = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_CHECKPOINT = (
    "ballots.example/council-2027\n1208\nsFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=\n\n\u2014 ballots.example/…\n"
)
_A_CHECKPOINT: dict[str, Any] = {
    "description": "A signed note (C2SP tlog-checkpoint).",
    "content": {"text/plain": {"schema": {"type": "string"}, "example": _CHECKPOINT}},
}
# Voters write what stands in bundles: a browser must never take it for a page.
_AS_SAID = {"X-Content-Type-Options": "nosniff"}
_OtherCheckpoint = Literal["pending", "opening", "closing"]
Size = Annotated[int | None, Query(ge=1, description="Tree size; absent: that of the published checkpoint.")]


@router.get(
    "/elections/{slug}/checkpoint",
    response_class=Response,
    summary="The newest checkpoint",
    responses={
        200: _A_CHECKPOINT,
        **documented("not-found", "not-ready"),
    },
)
async def show_checkpoint(board: BoardHere, elections: ElectionsHere) -> Response:
    """May be cached for a few seconds only."""
    note = await _read(board.log.files.checkpoint, CHECKPOINT)
    if note is None:
        raise Problem("not-ready", "the board has not been published yet", retry_after=5)
    return _text(note, f"public, max-age={elections.settings.checkpoint_seconds}")


@router.get(
    "/elections/{slug}/checkpoint.{name}",
    response_class=Response,
    summary="Another checkpoint of an election with witnesses",
    responses={
        200: _A_CHECKPOINT,
        **documented("malformed", "not-found"),
    },
)
async def show_other_checkpoint(
    board: BoardHere, elections: ElectionsHere, name: Annotated[_OtherCheckpoint, Path(description="Which one.")]
) -> Response:
    """`pending`: the newest one, before the quorum cosigned it. `opening`, `closing`: those by which these took effect.

    An election without witnesses has none of them."""
    note = await _read(board.log.files.checkpoint, f"{CHECKPOINT}.{name}")
    if note is None:
        raise Problem("not-found", "this board has no such checkpoint, or not yet")
    return _text(note, f"public, max-age={elections.settings.checkpoint_seconds}")


@router.get(
    "/elections/{slug}/tile/{path:path}",
    response_class=Response,
    summary="A hash tile or an entry bundle",
    responses={
        200: {"description": "It never changes.", "content": _TILE},
        **documented("malformed", "not-found", "not-ready"),
    },
)
async def show_tile(
    board: BoardHere,
    path: Annotated[str, Path(description="`<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`.", examples=["0/x001/234.p/17"])],
) -> Response:
    """A partial tile may be gone when its full one is there: ask for the full one then."""
    try:
        parse_tile_path(f"tile/{path}")
    except Malformed as error:
        raise Problem("malformed", "this is not the address of a tile") from error
    content = await _read(board.log.files.tile, f"tile/{path}")
    if content is None:
        raise Problem(
            "not-found", "there is no such tile", detail="Where a partial tile is gone, the full one is there."
        )
    headers = {"Cache-Control": "public, max-age=31536000, immutable", **_AS_SAID}
    return Response(content, headers=headers, media_type="application/octet-stream")


@router.get(
    "/elections/{slug}/proofs/inclusion",
    summary="Prove that an entry is on the board",
    responses=documented("malformed", "not-found", "not-ready"),
)
async def prove_inclusion(
    board: BoardHere, index: Annotated[int, Query(ge=0, description="The entry.")], size: Size = None
) -> InclusionProof:
    """The proof leads to `root`; compare that with a checkpoint whose signature you checked."""
    shown = published(board)
    size = shown.checkpoint.size if size is None else size
    if not index < size <= shown.checkpoint.size:
        raise Problem("not-found", f"the published board has {shown.checkpoint.size} entries")
    return InclusionProof(
        index=index,
        size=size,
        root=b64url_encode(shown.tree.root(size)),
        proof=[b64url_encode(each) for each in shown.tree.inclusion_proof(index, size)],
    )


@router.get(
    "/elections/{slug}/proofs/receipt",
    response_class=Response,
    summary="The receipt of an entry",
    responses={
        200: {"description": "A C2SP tlog-proof.", "content": RECEIPT},
        **documented("malformed", "not-found"),
    },
)
async def show_receipt(
    board: BoardHere, index: Annotated[int, Query(ge=0, lt=2**53, description="The entry.")]
) -> Response:
    """On the first checkpoint with the entry that the quorum of witnesses cosigned; until there is one, on the first
    signed one. Ask again for the other."""
    receipt = await run_in_threadpool(board.log.receipt, index)
    if receipt is None:
        raise Problem("not-found", "the published board has no such entry")
    return _text(receipt, "no-store")


@router.get(
    "/elections/{slug}/proofs/consistency",
    summary="Prove that the board only grew",
    responses=documented("malformed", "not-found", "not-ready"),
)
async def prove_consistency(
    board: BoardHere, old: Annotated[int, Query(ge=1, description="The smaller size.")], new: Size = None
) -> ConsistencyProof:
    """The proof leads to both roots; compare them with checkpoints whose signatures you checked."""
    shown = published(board)
    new = shown.checkpoint.size if new is None else new
    if not old <= new <= shown.checkpoint.size:
        raise Problem("not-found", f"the published board has {shown.checkpoint.size} entries")
    return ConsistencyProof(
        old=old,
        new=new,
        old_root=b64url_encode(shown.tree.root(old)),
        new_root=b64url_encode(shown.tree.root(new)),
        proof=[b64url_encode(each) for each in shown.tree.consistency_proof(old, new)],
    )


def _text(note: bytes, cached: str) -> Response:
    headers = {"Cache-Control": cached, **_AS_SAID}
    return Response(note, headers=headers, media_type="text/plain; charset=utf-8")


async def _read(read: Callable[[str], bytes | None], name: str) -> bytes | None:
    try:
        return await run_in_threadpool(read, name)
    except OSError as error:
        raise Problem("not-ready", "the storage of the board's files does not answer", retry_after=5) from error
