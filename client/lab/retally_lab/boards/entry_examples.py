"""One well-formed entry of every kind, as JSON members, and the means to break one member of it.

The election has three guardians (k = 2), two registrars, two districts with one style each, and the contests `blank`
(3 options) and `approval` (4 options).
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Any, Final

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_encode
from retally_crypto.manifest import Manifest, layout
from retally_crypto.secret.sign import sign_note
from retally_lab.boards.manifests import (
    APPROVAL,
    ELECTION,
    PLURALITY_OR_BLANK,
    manifest_members,
    point,
    secret,
    signing_key,
)

Members = dict[str, Any]
Path = tuple[str | int, ...]

MANIFEST_MEMBERS: Final = manifest_members([PLURALITY_OR_BLANK, APPROVAL], districts=(("d1", "d2"), ("d2", None)))
MANIFEST: Final = Manifest.model_validate(MANIFEST_MEMBERS)
LAYOUT: Final = layout(MANIFEST, 0)

ABSENT: Final = object()
"""In `changed`: the member is taken away."""

IDENTITY: Final = bytes(32)
NOT_CANONICAL: Final = b"\xff" * 32
"""Neither a point nor a scalar."""


def points(count: int) -> bytes:
    return b"".join(point(f"point {i}") for i in range(count))


def scalars(count: int) -> bytes:
    return b"".join(secret(f"scalar {i}") for i in range(count))


def b64(raw: bytes) -> str:
    return b64url_encode(raw)


def official(name: str) -> str:
    return f"example.org/{name}"


_DIGEST = b64(bytes(range(32)))
_PROOF_OF_BALLOT = points(4 * LAYOUT.n_bits + 1 + LAYOUT.sums) + scalars(3 * LAYOUT.n_bits + 1)

_WITHOUT_ELECTION: Mapping[str, Members] = {
    "guardian-commitment": {
        "guardian": 1,
        "commitments": b64(points(2)),
        "encryption_key": _DIGEST,
        "proof": b64(points(2) + scalars(2)),
    },
    "guardian-shares": {
        "guardian": 2,
        "shares": [{"guardian": 1, "ciphertext": b64(bytes(80))}, {"guardian": 3, "ciphertext": b64(bytes(80))}],
    },
    "guardian-complaint": {"guardian": 3, "against": 1},
    "guardian-answer": {"guardian": 1, "complainant": 3, "share": b64(scalars(1))},
    "guardian-confirmation": {"guardian": 3, "ceremony": _DIGEST},
    "roll-commitment": {"registrar": 2, "credentials": 5, "commitment": _DIGEST},
    "roll": {"registrar": 1, "first": 0, "commitments": _DIGEST, "parts": b64(points(3)), "styles": [0, 1, 0]},
    "roll-revocation": {"credential": b64(points(1)), "reason": "Moved away"},
    "roll-replacement": {
        "credential": b64(points(1)),
        "parts": b64(points(2)),
        "proofs": b64(points(1) + scalars(1) + points(1) + scalars(1)),
        "reason": "Lost her letter",
    },
    "opening": {"key": b64(points(1)), "credentials": 5, "roll": _DIGEST},
    "closing": {"ballots": 7},
    "paper-count": {
        "district": "d1",
        "contest": "blank",
        "stations": [{"id": "s1", "invalid": 0, "votes": [1, 2, 3]}, {"id": "s2", "invalid": 4, "votes": [0, 0, 0]}],
        "late": False,
    },
    "partial-decryption": {
        "guardian": 2,
        "size": 20,
        "root": _DIGEST,
        "units": [["d1", "d2"]],
        "aggregates": _DIGEST,
        "points": b64(points(7)),
        "proof": b64(points(8) + scalars(1)),
    },
    "result": {
        "credentials": 5,
        "voted": 4,
        "accepted": 6,
        "superseded": 2,
        "counted": 4,
        "refused": 1,
        "units": [
            {
                "districts": ["d1", "d2"],
                "state": "reported",
                "counted": 4,
                "contests": [
                    {"contest": "blank", "counts": [1, 2, 1]},
                    {"contest": "approval", "counts": [0, 4, 1, 2]},
                ],
            }
        ],
        "combined": _DIGEST,
    },
}
OFFICIAL: Final[Mapping[str, Members]] = {
    kind: {"election": b64(ELECTION), "kind": kind, **members} for kind, members in _WITHOUT_ELECTION.items()
}
"""Every kind of official's entry but the manifest."""

BALLOT: Final[Members] = {
    "ciphertexts": b64(points(2 * LAYOUT.n_bits)),
    "credential": b64(points(1)),
    "election": b64(ELECTION),
    "kind": "ballot",
    "previous": b64(bytes(32)),
    "proof": b64(_PROOF_OF_BALLOT),
    "style": "d1-1",
}

SIGNERS: Final[Mapping[str, Sequence[str]]] = {
    "manifest": ["authority"],
    "guardian-commitment": ["guardian-1"],
    "guardian-shares": ["guardian-2"],
    "guardian-complaint": ["guardian-3"],
    "guardian-answer": ["guardian-1"],
    "guardian-confirmation": ["guardian-3"],
    "roll-commitment": ["registrar-2"],
    "roll": ["registrar-1"],
    "roll-revocation": ["registrar-1", "registrar-2"],
    "roll-replacement": ["registrar-1", "registrar-2"],
    "opening": ["authority"],
    "closing": ["authority"],
    "paper-count": ["authority"],
    "partial-decryption": ["guardian-2"],
    "result": ["authority"],
}
"""By page 4, who signs the examples."""


def paths(value: Any, at: Path = ()) -> list[Path]:
    """The path of every member and item, at any depth."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found: list[Path] = []
    for step, inner in steps:
        found += [(*at, step), *paths(inner, (*at, step))]
    return found


def changed(members: Mapping[str, Any], path: Path, value: Any) -> Members:
    """A copy of `members` with the value at `path` exchanged, added, or taken away (`ABSENT`)."""
    copied = copy.deepcopy(dict(members))
    at: Any = copied
    for step in path[:-1]:
        at = at[step]
    if value is ABSENT:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    return copied


def signed(members: Mapping[str, Any], signers: Sequence[str] | None = None) -> bytes:
    """The members as an official's entry, whatever they are, signed by the kind's signers or the ones given."""
    names = SIGNERS.get(str(members.get("kind")), ["authority"]) if signers is None else signers
    keys = [signing_key(official(name)) for name in names]
    return sign_note(canonical_bytes(dict(members)) + b"\n", keys)
