"""How long a place may keep a reader waiting in all, however it spreads the time over its files.

A bound on every file alone is none: a host that answers each of 8,000 files just within it holds a verifier for days.
So each file earns time, some seconds and its bytes at a slow line's rate, and what a host takes beyond that goes to an
account. When the account is used up the host is given up, with words on what to do.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

RESERVE_SECONDS = 600.0
"""What a host may take beyond the time that its files have earned."""
SECONDS_A_FILE = 2.0
BYTES_A_SECOND = 32_768
"""Of a slow line: a quarter of a megabit a second."""


@dataclass
class Waited:
    """What one host has taken so far; its reader's threads share it."""

    files: int = 0
    seconds: float = 0.0
    beyond: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, seconds: float, length: int) -> str | None:
        """One more file of `length` bytes that took so long. When it is too much in all, what happened in words; then
        the account begins anew, for whoever tries again later."""
        with self._lock:
            self.files += 1
            self.seconds += seconds
            self.beyond = max(0.0, self.beyond + seconds - SECONDS_A_FILE - length / BYTES_A_SECOND)
            if self.beyond <= RESERVE_SECONDS:
                return None
            text = f"{self.files:,} files took {self.seconds / 60:,.0f} minutes"
            self.files, self.seconds, self.beyond = 0, 0.0, 0.0
            return text
