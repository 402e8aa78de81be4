"""Small elections for tests: contests of every kind, manifests around them, and the secrets that tests may know.

Everything is deterministic where a test wants it: keys come from seeds, ballots from the seed given.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from retally_crypto.engine import engine
from retally_crypto.manifest import Manifest
from retally_crypto.notes import format_vkey
from retally_crypto.secret.sign import SigningKey

ELECTION = hashlib.sha256(b"an election").digest()
OTHER_ELECTION = hashlib.sha256(b"another election").digest()


def signing_key(name: str) -> SigningKey:
    """The signing key of that name: its seed is a hash of the name."""
    return SigningKey.from_seed(name, hashlib.sha256(name.encode()).digest())


def vkey(name: str) -> str:
    return format_vkey(signing_key(name).verifier_key)


def contest(
    contest_id: str, options: int, smallest: int, largest: int, *, score: int = 1, limit: str = "total"
) -> dict[str, Any]:
    return {
        "id": contest_id,
        "title": f"Contest {contest_id}",
        "options": [{"id": f"o{i}", "title": f"Option {i}"} for i in range(1, options + 1)],
        "limit": limit,
        "score": score,
        "min": smallest,
        "max": largest,
    }


APPROVAL = contest("approval", 4, 0, 4)
PLURALITY = contest("plurality", 3, 1, 1)
PLURALITY_OR_BLANK = contest("blank", 3, 0, 1)
TWO_OF_FIVE = contest("two-of-five", 5, 2, 2)
SCORE_EACH = contest("score-each", 3, 0, 15, score=5, limit="option")
SCORE_TOTAL = contest("score-total", 3, 0, 10, score=5)

CHOICES: Mapping[str, Sequence[Sequence[int]]] = {
    "approval": ([1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]),
    "plurality": ([0, 1, 0], [1, 0, 0], [0, 0, 1]),
    "blank": ([0, 0, 0], [0, 0, 1], [1, 0, 0]),
    "two-of-five": ([1, 0, 0, 0, 1], [0, 1, 1, 0, 0], [0, 0, 0, 1, 1]),
    "score-each": ([5, 0, 3], [5, 5, 5], [0, 0, 0]),
    "score-total": ([5, 0, 3], [5, 5, 0], [0, 0, 0]),
}
"""Three valid choices for each contest above, the blank vote among them where it is allowed."""


def manifest_members(
    contests: Sequence[dict[str, Any]],
    *,
    districts: Sequence[tuple[str, str | None]] = (("d1", None),),
    styles_per_district: int = 1,
    smallest_unit: int = 0,
    guardians: tuple[int, int] = (3, 2),
    registrars: int = 2,
) -> dict[str, Any]:
    """The members of a valid manifest without witnesses; `districts` are (id, merge), `guardians` is (n, k)."""
    n, k = guardians
    return {
        "kind": "manifest",
        "version": "RETALLY-V01",
        "title": "A test election",
        "notice": None,
        "authority": vkey("example.org/authority"),
        "board": vkey("example.org/board"),
        "registrars": [vkey(f"example.org/registrar-{i}") for i in range(1, registrars + 1)],
        "guardians": {"keys": [vkey(f"example.org/guardian-{i}") for i in range(1, n + 1)], "threshold": k},
        "witnesses": {"keys": [], "quorum": 0},
        "opens": 1_800_000_000,
        "closes": 1_800_100_000,
        "grace": 3600,
        "contests": list(contests),
        "districts": [{"id": d, "title": f"District {d}", "merge": merge} for d, merge in districts],
        "styles": [
            {"id": f"{d}-{i}", "district": d, "contests": [c["id"] for c in contests]}
            for d, _ in districts
            for i in range(1, styles_per_district + 1)
        ],
        "smallest_unit": smallest_unit,
        "caps": {"revocations": 10, "replacements": 10},
        "client": {"origins": [], "bundle": None},
    }


def manifest(contests: Sequence[dict[str, Any]], **settings: Any) -> Manifest:
    """The model of `manifest_members`."""
    return Manifest.model_validate(manifest_members(contests, **settings))


def secret(label: str) -> bytes:
    """A scalar that tests may know."""
    return engine.scalar_reduce(hashlib.sha512(label.encode()).digest())


def point(label: str) -> bytes:
    """The public key of `secret(label)`."""
    return engine.multiply_base(secret(label))


def seed(label: str) -> bytes:
    """A ballot's seed that tests may know."""
    return hashlib.sha256(b"seed " + label.encode()).digest()
