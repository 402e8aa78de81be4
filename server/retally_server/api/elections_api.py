"""Elections: create one from its manifest, list them, look at one, append officials' entries."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from retally_crypto.encoding import b64url_encode
from retally_server.api.answers import (
    EXAMPLE_MANIFEST,
    EXAMPLE_OFFICIAL,
    ElectionList,
    ElectionSummary,
    TurnoutCurve,
    TurnoutNote,
    body,
    receipts,
)
from retally_server.api.bodies import read_entry
from retally_server.api.context import BoardHere, ElectionsHere, published
from retally_server.api.problems import Name, Problem, documented
from retally_server.board.sequencer import Sequencer
from retally_server.board.submissions import Answer

router = APIRouter(tags=["Elections"])


async def _entry(request: Request, elections: ElectionsHere) -> bytes:
    return await read_entry(request, elections.settings.body_seconds)


EntryBytes = Annotated[bytes, Depends(_entry)]
"""The request's body, bounded in length and time."""

BODY_PROBLEMS: tuple[Name, ...] = ("malformed", "body-too-slow", "body-too-large", "encoding-not-taken", "refused")
STORE_PROBLEMS: tuple[Name, ...] = ("busy", "not-stored", "not-ready")


def receipt(slug: str, answer: Answer) -> Response:
    """An entry's receipt as a response: 201 when it is new on the board, 200 when it was there."""
    headers = {"Location": f"/elections/{slug}", "Cache-Control": "no-store"}
    status = 201 if answer.new else 200
    return Response(answer.receipt, status, headers, media_type="text/plain; charset=utf-8")


@router.post(
    "/elections",
    status_code=201,
    response_class=Response,
    summary="Create an election from its manifest",
    responses={
        **receipts("The board was made; the receipt of its entry 0.", "This manifest was here; the same receipt."),
        **documented(
            *BODY_PROBLEMS, "board-key-unknown", "election-exists", "witness-address-unknown", *STORE_PROBLEMS
        ),
    },
    openapi_extra=body("The manifest entry (docs/spec 4.1), signed by the authority.", EXAMPLE_MANIFEST),
)
async def create_election(entry: EntryBytes, elections: ElectionsHere) -> Response:
    """The board key that the manifest names must have been made on this server before: `retally-server board new`.

    So must the addresses of its witnesses, for the manifest holds their keys only: `retally-server board witness`."""
    slug, answer = await elections.create(entry)
    return receipt(slug, answer)


@router.get("/elections", summary="List the elections")
async def list_elections(elections: ElectionsHere) -> ElectionList:
    """Every election of this server, oldest first."""
    return ElectionList(elections=[_summary(board) for board in elections.all() if board.log.published is not None])


@router.get("/elections/{slug}", summary="Look at an election", responses=documented("not-found", "not-ready"))
async def show_election(board: BoardHere) -> ElectionSummary:
    """The election's state as of its published checkpoint. For reading only: an auditor reads the board."""
    return _summary(board)


@router.get("/elections/{slug}/turnout", summary="See the board grow", responses=documented("not-found"))
async def show_turnout(board: BoardHere, elections: ElectionsHere) -> TurnoutCurve:
    """Notes at the end of intervals, by this server's clock: the server's word, which nobody can verify."""
    points = await run_in_threadpool(elections.store.turnout, board.log.board)
    notes = [TurnoutNote(time=point.time, entries=point.entries, ballots=point.ballots) for point in points]
    return TurnoutCurve(interval=elections.settings.turnout_seconds, points=notes)


@router.post(
    "/elections/{slug}/entries",
    status_code=201,
    response_class=Response,
    summary="Append an official's entry",
    responses={
        **receipts("It is on the board; its receipt.", "It was on the board; the same receipt."),
        **documented(*BODY_PROBLEMS, "not-found", "outside-hours", *STORE_PROBLEMS),
    },
    openapi_extra=body("A signed note of an official (docs/spec 3.2, page 4).", EXAMPLE_OFFICIAL),
)
async def append_entry(entry: EntryBytes, board: BoardHere) -> Response:
    """The entry's signatures say who wrote it; there is no other login."""
    if b"\n" not in entry:
        raise Problem(
            "malformed", "an official's entry is a signed note", check="V09", detail="Ballots go to .../ballots."
        )
    return receipt(board.log.board.slug, await board.submit(entry))


def _summary(board: Sequencer) -> ElectionSummary:
    shown = published(board)
    manifest = shown.manifest
    return ElectionSummary(
        slug=board.log.board.slug,
        origin=board.log.board.origin,
        title=manifest.title,
        notice=manifest.notice,
        election=b64url_encode(board.log.board.election_id),
        phase=shown.phase,
        opens=manifest.opens,
        closes=manifest.closes,
        grace=manifest.grace,
        size=shown.checkpoint.size,
        root=b64url_encode(shown.checkpoint.root),
        witnessed=None if board.log.cosigned is None else board.log.cosigned.size,
        key=None if shown.joint_key is None else b64url_encode(shown.joint_key),
    )
