"""Checkpoints that this verifier accepted before (docs/spec, 9.3).

They are what makes a rewritten board visible even without witnesses: the next run must find the same root at the same
size. One file per size under a folder per board; files are written whole, never changed, and are public data.
"""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from retally_crypto.errors import Unusable
from retally_crypto.notes import MAX_NOTE_BYTES
from retally_crypto.policy import TrustPolicy

LIMIT = MAX_NOTE_BYTES


def default_folder() -> Path:
    """`$XDG_STATE_HOME/retally/checkpoints`, by default under `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "retally" / "checkpoints"


def _folder_of(folder: Path, policy: TrustPolicy) -> Path:
    # The origin is the operator's text; its hash is a safe name.
    return folder / sha256(policy.board.name.encode() + b"\n" + policy.election_id).hexdigest()[:32]


def read_kept(folder: Path, policy: TrustPolicy) -> tuple[bytes, ...]:
    """All checkpoints kept for the board of `policy`, smallest first. Raises Unusable on an oversized file."""
    place = _folder_of(folder, policy)
    if not place.is_dir():
        return ()
    kept = []
    for path in sorted(place.glob("*.checkpoint")):
        if path.stat().st_size > LIMIT:
            raise Unusable(f"kept checkpoint {path} is longer than {LIMIT} bytes")
        kept.append(path.read_bytes())
    return tuple(kept)


def keep(folder: Path, policy: TrustPolicy, size: int, root: bytes, checkpoint: bytes) -> None:
    """Adds an accepted checkpoint. One that is already there is left alone; another root gets a file of its own."""
    place = _folder_of(folder, policy)
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{size:016d}-{root.hex()[:16]}.checkpoint"
    if path.exists():
        return
    temporary = path.with_suffix(f".{os.getpid()}.new")
    temporary.write_bytes(checkpoint)
    temporary.replace(path)
