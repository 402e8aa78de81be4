"""What every handler needs: the elections of this server and the board that an address names.

These functions are `async` although they wait for nothing: FastAPI would call others in a thread, at every request.
"""

from typing import Annotated

from fastapi import Depends, Path, Request

from retally_server.api.problems import Problem
from retally_server.board.board_log import Published
from retally_server.board.sequencer import Sequencer
from retally_server.elections import Elections


async def _elections(request: Request) -> Elections:
    elections: Elections = request.app.state.elections
    return elections


ElectionsHere = Annotated[Elections, Depends(_elections)]


async def _board(
    elections: ElectionsHere,
    slug: Annotated[str, Path(description="The board's short name.", examples=["council-2027"])],
) -> Sequencer:
    try:
        return elections.get(slug)
    except LookupError:
        raise Problem("not-found", "there is no election of this name here") from None


BoardHere = Annotated[Sequencer, Depends(_board)]


def published(board: Sequencer) -> Published:
    """What the board shows. Problem not-ready if it never could publish."""
    if board.log.published is None:
        raise Problem("not-ready", "the board has not been published yet", retry_after=5)
    return board.log.published
