"""Health: for whoever watches the server."""

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from retally_crypto.engine import engine
from retally_server import __version__
from retally_server.api.answers import Health, Readiness
from retally_server.api.context import ElectionsHere
from retally_server.api.readiness import unready_reasons

router = APIRouter(tags=["Health"])
_NOT_KEPT = {"Cache-Control": "no-store"}


@router.get(
    "/health",
    response_model=Health,
    summary="Is the server well?",
    responses={503: {"description": "A board could not be published.", "model": Health}},
)
async def show_health(elections: ElectionsHere) -> JSONResponse:
    """200 if every board is published up to what the database holds, else 503."""
    boards = elections.all()
    well = all(board.log.in_step for board in boards)
    health = Health(
        status="ok" if well else "degraded",
        version=__version__,
        engine=engine.NAME,
        elections=len(boards),
        waiting=sum(board.waiting for board in boards),
    )
    return JSONResponse(health.model_dump(), 200 if well else 503, _NOT_KEPT)


@router.get("/health/live", response_model=Readiness, summary="Does the process answer?")
async def show_live() -> JSONResponse:
    """200 as long as it answers at all. A supervisor that gets nothing may restart it: that loses nothing."""
    return JSONResponse(Readiness(ready=True, reasons=[]).model_dump(), 200, _NOT_KEPT)


@router.get(
    "/health/ready",
    response_model=Readiness,
    summary="Can ballots be taken now?",
    responses={503: {"description": "Not now, and why.", "model": Readiness}},
)
async def show_ready(elections: ElectionsHere) -> JSONResponse:
    """200 if the database answers, every board is in step and takes entries, and the disks have room; else 503."""
    reasons = await run_in_threadpool(unready_reasons, elections)
    return JSONResponse(Readiness(ready=not reasons, reasons=reasons).model_dump(), 503 if reasons else 200, _NOT_KEPT)
