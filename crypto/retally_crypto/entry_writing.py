"""Entries as whoever casts or signs them writes them: the inverse of `retally_crypto.entries` (docs/spec, page 3)."""

from __future__ import annotations

from retally_crypto.canonical import canonical_bytes, parse_canonical
from retally_crypto.encoding import b64url_encode
from retally_crypto.entries import BALLOT_MEMBERS, OfficialContent
from retally_crypto.errors import Malformed

_BODY_MEMBERS = tuple(name for name in BALLOT_MEMBERS if name != "proof")


def ballot_entry(body: bytes, proof: bytes) -> bytes:
    """The ballot entry of a body and its proof.

    Raises Malformed for a body that has other members than 6.4 says, and for an entry that is too long.
    """
    members = parse_canonical(body)
    if not isinstance(members, dict) or tuple(members) != _BODY_MEMBERS:
        raise Malformed(f"a ballot's body has exactly the members {', '.join(_BODY_MEMBERS)}")
    return canonical_bytes(members | {"proof": b64url_encode(proof)})


def entry_text(content: OfficialContent) -> bytes:
    """The text that officials sign: canonical JSON and a newline."""
    return canonical_bytes(content.model_dump(mode="json")) + b"\n"
