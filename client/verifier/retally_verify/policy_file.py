"""The trust policy in a file (docs/spec, 9.1): all that a verifier believes before it has read anything."""

from __future__ import annotations

from pathlib import Path

from retally_crypto.errors import Unusable
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import parse_policy

POLICY_LIMIT = 64 * 1024


def load_policy(path: Path) -> TrustPolicy:
    """The policy in the file at `path`.

    Raises Malformed, naming the line, if it is not of the form of 9.1, Unusable if it is too long, OSError if it cannot
    be read. Whether it is the right one, only its reader can know: compare its election id with the one announced.
    """
    with path.open("rb") as file:
        content = file.read(POLICY_LIMIT + 1)
    if len(content) > POLICY_LIMIT:
        raise Unusable(f"{path} is longer than {POLICY_LIMIT} bytes")
    return parse_policy(content)
