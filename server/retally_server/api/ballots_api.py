"""Ballots: cast one, look up what was cast with a credential, find one by its tracking code."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.errors import Malformed
from retally_crypto.tracking import parse_tracking_code, tracking_code
from retally_server.api.answers import (
    EXAMPLE_BALLOT,
    EXAMPLE_HASH,
    EXAMPLE_TRACKING_CODE,
    CastBallot,
    CredentialBallots,
    TrackedBallot,
    body,
    receipts,
)
from retally_server.api.context import BoardHere, ElectionsHere, published
from retally_server.api.elections_api import BODY_PROBLEMS, STORE_PROBLEMS, EntryBytes, receipt
from retally_server.api.problems import Problem, documented

router = APIRouter(tags=["Ballots"])
_NO_BALLOT = bytes(32)


@router.post(
    "/elections/{slug}/ballots",
    status_code=201,
    response_class=Response,
    summary="Cast a ballot",
    responses={
        **receipts("The ballot is on the board; its receipt.", "These bytes were on the board; the same receipt."),
        **documented(
            *BODY_PROBLEMS, "origin-not-allowed", "not-found", "outside-hours", "too-many-ballots", *STORE_PROBLEMS
        ),
    },
    openapi_extra=body("A ballot entry (docs/spec 6). It needs no signature: its proof is one.", EXAMPLE_BALLOT),
)
async def cast_ballot(entry: EntryBytes, board: BoardHere) -> Response:
    """Answered only when the ballot is in a checkpoint that is durable and published, with a tlog-proof as receipt.

    To try again after a failure send the very same bytes: they stand on the board once and have one receipt.
    """
    if b"\n" in entry:
        raise Problem(
            "malformed", "a ballot has no newline", check="V09", detail="Officials' entries go to .../entries."
        )
    return receipt(board.log.board.slug, await board.submit(entry))


@router.get(
    "/elections/{slug}/credentials/{credential}",
    summary="Look up what was cast with a credential",
    responses=documented("malformed", "not-found", "not-ready"),
)
async def show_credential(
    board: BoardHere,
    elections: ElectionsHere,
    credential: Annotated[str, Path(description="The credential C, unpadded base64url.", examples=[EXAMPLE_HASH])],
) -> CredentialBallots:
    """Also for who abstained: an empty list says that nobody voted in her name. Compare it with the board itself."""
    try:
        point = b64url_decode(credential, 32, "credential")
    except Malformed as error:
        raise Problem("malformed", str(error)) from error
    shown = published(board)
    standing = board.log.standing(point)
    if standing is None:
        raise Problem("not-found", "this credential is not on the roll", check="V11")
    stored = await run_in_threadpool(elections.store.ballots_of, board.log.board, point)
    ballots = [ballot for ballot in stored if ballot.index < shown.checkpoint.size]
    return CredentialBallots(
        credential=credential,
        style=shown.manifest.styles[standing.style].id,
        active=standing.active,
        ballots=[CastBallot(index=each.index, tracking_code=tracking_code(each.body_hash)) for each in ballots],
        previous=b64url_encode(ballots[-1].body_hash if ballots else _NO_BALLOT),
    )


@router.get(
    "/elections/{slug}/tracking/{code}",
    summary="Find a ballot by its tracking code",
    responses=documented("malformed", "not-found", "not-ready"),
)
async def track_ballot(
    board: BoardHere,
    elections: ElectionsHere,
    code: Annotated[str, Path(description="The tracking code as typed.", examples=[EXAMPLE_TRACKING_CODE])],
) -> TrackedBallot:
    """Where the ballot with this code stands, and whether a later one with the same credential took its place."""
    try:
        wanted = parse_tracking_code(code)
    except Malformed as error:
        raise Problem("malformed", str(error), detail="Compare the code with the one your device showed.") from error
    shown, store, here = published(board), elections.store, board.log.board
    least = wanted.prefix.ljust(32, b"\x00")
    greatest = (wanted.prefix[:-1] + bytes([wanted.prefix[-1] | 0x03])).ljust(32, b"\xff")
    candidates = await run_in_threadpool(store.ballots_between, here, least, greatest)
    found = [each for each in candidates if wanted.matches(each.body_hash) and each.index < shown.checkpoint.size]
    if not found:
        raise Problem("not-found", "no ballot with this tracking code is on the board")
    chain = await run_in_threadpool(store.ballots_of, here, found[0].credential)
    return TrackedBallot(
        index=found[0].index,
        tracking_code=tracking_code(found[0].body_hash),
        credential=b64url_encode(found[0].credential),
        superseded=any(found[0].index < each.index < shown.checkpoint.size for each in chain),
    )
