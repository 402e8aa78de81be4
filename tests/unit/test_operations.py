"""The guard against regressions: what a verification does is counted, not timed (docs/performance.md).

The numbers follow from the ballots' shape. A change that makes one of them larger has to say why here.
"""

from __future__ import annotations

from typing import Any

import pytest

from retally_crypto.engine import engine
from retally_crypto.manifest import layout
from retally_lab.boards.places import MemoryBoard
from retally_verify.run import verify_board
from tests.wide_board import wide_election

native: Any = pytest.importorskip("retally_native", reason="the native engine alone counts what it does")
pytestmark = pytest.mark.skipif(engine.NAME != "native", reason="the native engine is not the one in use")

BALLOTS = (320, 832)
"""Both fill the bundle with the opening, which is read twice."""


def counted(ballots: int) -> tuple[dict[str, int], int]:
    """What the verification of an open board with so many ballots does, and the bytes of its entries."""
    election = wide_election(ballots)
    board, policy = MemoryBoard(election.files()), election.policy()
    before = dict(native.operations())
    report = verify_board(board, policy)
    assert not report.failed
    after = dict(native.operations())
    return {name: after[name] - before[name] for name in after}, sum(map(len, election.entries))


def test_a_ballot_costs_these_operations_and_no_more() -> None:
    (few, few_bytes), (many, many_bytes) = (counted(ballots) for ballots in BALLOTS)
    ballots = BALLOTS[1] - BALLOTS[0]
    more = {name: (many[name] - few[name]) / ballots for name in few}
    shape = layout(wide_election(1).manifest, 0)
    bytes_of_ballot = (many_bytes - few_bytes) / ballots

    own = 1 + 2 * shape.n_bits
    points = own + shape.template.equations
    # Every point of a ballot is decompressed once: for its proof, from which the sums come, too.
    assert more["decompressions"] == points
    # One term for every point, and the generator and K once for every chunk of a batch.
    assert points <= more["terms"] <= points + 1
    # One addition for every element of the statement.
    assert more["additions"] == own
    # The entry for its leaf; the entry without its proof for H(body); the sponge takes tag, statement, commitments.
    proof = -(-8 * shape.proof_length // 6)
    sponge = len(shape.template.header) + 32 * (points + 1) + 200
    assert more["hashed"] <= 2 * bytes_of_ballot - proof + sponge
    # Members decoded from text once, and what is cut out of them for tags, rows and points.
    assert more["copied"] <= bytes_of_ballot
