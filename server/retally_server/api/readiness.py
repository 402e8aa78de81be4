"""Whether this process can take ballots now, and why not. For load balancers and for whoever is on duty."""

import os
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from retally_server.elections import Elections

LEAST_FREE = 64 * 1024 * 1024
"""Bytes free on a disk below which the server says that it is not ready; it goes on as long as it can."""


def unready_reasons(elections: Elections) -> list[str]:
    """Why this process is not ready; empty if it is. Asks the database and the disks: not for the event loop."""
    reasons = []
    try:
        elections.store.boards()
    except SQLAlchemyError as error:
        reasons.append(f"the database does not answer ({type(error).__name__})")
    for sequencer in elections.all():
        log = sequencer.log
        if log.halted is not None:
            reasons.append(f"board {log.board.slug} has stopped: {log.halted}")
        elif not log.in_step:
            reasons.append(f"board {log.board.slug} is not published up to what the database holds")
    for what, folder in (("data folder", elections.settings.data), ("lock store", elections.settings.locks)):
        free = _free(folder)
        if free is None:
            reasons.append(f"the disk of the {what} cannot be looked at")
        elif free < LEAST_FREE:
            reasons.append(f"the disk of the {what} has {free // (1024 * 1024)} MiB left")
    return reasons


def _free(folder: Path) -> int | None:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return found.f_bavail * found.f_frsize
