"""Checkpoints that this verifier accepted before (docs/spec, 9.3).

They are what makes a rewritten board visible even without witnesses: the next run must find the same root at the same
size. One file per size under a folder per board; files are written whole, stay as they are unless the disk has damaged
them, and are public data.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from retally_crypto.checkpoints import verify_checkpoint
from retally_crypto.errors import RetallyError, Unusable
from retally_crypto.notes import MAX_NOTE_BYTES
from retally_crypto.policy import TrustPolicy
from retally_verify.durable_files import replace_durably
from retally_verify.state_folder import of_board

LIMIT = MAX_NOTE_BYTES


def read_kept(folder: Path, policy: TrustPolicy) -> tuple[bytes, ...]:
    """All checkpoints kept for the board of `policy`, smallest first. Raises Unusable on an oversized file."""
    place = of_board(folder, policy)
    if not place.is_dir():
        return ()
    kept = []
    for path in sorted(place.glob("*.checkpoint")):
        if path.stat().st_size > LIMIT:
            raise Unusable(f"kept checkpoint {path} is longer than {LIMIT} bytes")
        kept.append(path.read_bytes())
    return tuple(kept)


def keep(folder: Path, policy: TrustPolicy, size: int, root: bytes, checkpoint: bytes) -> None:
    """Adds an accepted checkpoint, durably. One that is already there is left alone if the board's signature is on it;
    another root gets a file of its own."""
    place = of_board(folder, policy)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{size:016d}-{root.hex()[:16]}.checkpoint"
    with suppress(FileNotFoundError, RetallyError):
        verify_checkpoint(path.read_bytes(), policy.board)
        return
    replace_durably(path, checkpoint)
