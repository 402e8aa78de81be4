"""Health: for whoever watches the server."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from retally_crypto.engine import engine
from retally_server import __version__
from retally_server.api.answers import Health
from retally_server.api.context import ElectionsHere

router = APIRouter(tags=["Health"])


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
    return JSONResponse(health.model_dump(), 200 if well else 503, {"Cache-Control": "no-store"})
