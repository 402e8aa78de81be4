"""How many ballots a credential may cast in a while. A rate, never a lifetime cap.

Only accepted ballots count, so only who holds the credential's secret can use up its rate: counting attempts would let
anybody keep a voter from voting by sending rubbish in her name. Attempts are bounded by the queue and by the proxy in
front. The counts live in memory; losing them costs nothing but a fresh start.
"""

from collections import deque


class BallotRate:
    """At most `ballots` accepted ballots per credential in any `seconds` seconds. Used by one thread."""

    def __init__(self, ballots: int, seconds: float) -> None:
        """`ballots` >= 1, `seconds` > 0."""
        self._ballots = ballots
        self._seconds = seconds
        self._accepted: dict[bytes, deque[float]] = {}
        self._swept = 0.0

    def wait(self, credential: bytes, now: float) -> float:
        """Seconds until this credential may cast again; 0 if it may now."""
        accepted = self._accepted.get(credential)
        if accepted is None:
            return 0.0
        # Times after now are from before the clock was set back; they would hold the voter up for as long as that.
        while accepted and not now - self._seconds < accepted[0] <= now:
            accepted.popleft()
        return accepted[0] + self._seconds - now if len(accepted) >= self._ballots else 0.0

    def count(self, credential: bytes, now: float) -> None:
        """Counts one accepted ballot; forgets credentials whose window has passed, once a window."""
        self._accepted.setdefault(credential, deque()).append(now)
        if now - self._swept >= self._seconds:
            self._swept = now
            self._accepted = {
                each: times for each, times in self._accepted.items() if times and times[-1] > now - self._seconds
            }
