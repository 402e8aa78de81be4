"""Tracking codes: a ballot's name that a person can compare across screens (docs/spec 1.2 and 6.4).

A code carries the first 150 bits of SHA-256 of the ballot's body: whoever wants two ballots under one code has 2^75
work.
"""

from dataclasses import dataclass
from typing import Final

from retally_crypto.codes import decode_code, encode_code

LABEL: Final = b"RETALLY-V01-tracking"
SYMBOLS: Final = 30
CHECK_SYMBOLS: Final = 2


@dataclass(frozen=True)
class TrackingCode:
    """What a tracking code says about a ballot: the first 150 bits of its hash, in 19 bytes whose last two bits are
    zero."""

    prefix: bytes

    def matches(self, body_hash: bytes) -> bool:
        """Whether `body_hash` (32 bytes) begins with these 150 bits."""
        return body_hash[:18] == self.prefix[:18] and body_hash[18] & 0xFC == self.prefix[18]


def tracking_code(body_hash: bytes) -> str:
    """The tracking code of a ballot, from SHA-256 of its body (32 bytes)."""
    return encode_code(body_hash, SYMBOLS, CHECK_SYMBOLS, LABEL)


def parse_tracking_code(text: str) -> TrackingCode:
    """Read what a person typed. Raises Malformed when it is no tracking code."""
    return TrackingCode(decode_code(text, SYMBOLS, CHECK_SYMBOLS, LABEL))
