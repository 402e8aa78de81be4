"""Where a verifier keeps what it needs from one run to the next."""

from __future__ import annotations

import os
from hashlib import sha256
from pathlib import Path

from retally_crypto.policy import TrustPolicy


def state_folder(name: str) -> Path:
    """`$XDG_STATE_HOME/retally/<name>`, by default under `~/.local/state`."""
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "retally" / name


def of_board(folder: Path, policy: TrustPolicy) -> Path:
    """The folder in `folder` for the board of `policy`."""
    # The origin is the operator's text; its hash is a safe name.
    return folder / sha256(policy.board.name.encode() + b"\n" + policy.election_id).hexdigest()[:32]
