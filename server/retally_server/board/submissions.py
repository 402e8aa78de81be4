"""What somebody sent, before the record has ruled on it, and what the sender is answered."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from retally_crypto.encoding import b64url_decode
from retally_crypto.errors import Malformed
from retally_crypto.merkle import leaf_hash
from retally_crypto.rules.v09_form import is_ballot


@dataclass(frozen=True)
class Submission:
    """An entry as it arrived: its bytes, their leaf hash, and the server's time (POSIX seconds) at its last byte.

    `kind` and `credential` are what the bytes claim and decide nothing but times and rate: the record reads the entry
    anew and refuses one that says it twice or in another form than the canonical one.
    """

    raw: bytes
    leaf_hash: bytes
    received_at: float

    @classmethod
    def received(cls, raw: bytes, received_at: float) -> "Submission":
        """The submission of these bytes."""
        return cls(raw, leaf_hash(raw), received_at)

    @property
    def is_ballot(self) -> bool:
        """Whether these bytes are of kind ballot: they hold no newline."""
        return is_ballot(self.raw)

    @property
    def kind(self) -> str | None:
        """The kind the bytes claim, None if they claim none."""
        kind = "ballot" if self.is_ballot else self._members.get("kind")
        return kind if isinstance(kind, str) else None

    @property
    def credential(self) -> bytes | None:
        """The 32-byte credential a ballot claims, None if it claims none."""
        credential = self._members.get("credential") if self.is_ballot else None
        try:
            return b64url_decode(credential, 32) if isinstance(credential, str) else None
        except Malformed:
            return None

    @cached_property
    def _members(self) -> dict[str, Any]:
        try:
            members = json.loads(self.raw.partition(b"\n")[0])
        except (ValueError, RecursionError):
            return {}
        return members if isinstance(members, dict) else {}


@dataclass(frozen=True)
class Answer:
    """An entry is on the board for good: its index, its receipt (a C2SP tlog-proof), and whether it is new there."""

    index: int
    receipt: bytes
    new: bool
