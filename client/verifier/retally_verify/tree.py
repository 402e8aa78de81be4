"""The tree that a board's entries hash to (V02), grown leaf by leaf or range by range, and what was claimed of it."""

from __future__ import annotations

from copy import deepcopy
from itertools import chain

from retally_crypto.engine import records
from retally_crypto.merkle import Frontier
from retally_crypto.ranges import LEVEL, WIDTH, RangeSummary
from retally_verify.claims import Claims


class BoardTree:
    """The tree of the entries so far. `claims` are told what the board has at every place they speak of."""

    def __init__(self, claims: Claims) -> None:
        self._claims = claims
        self._tree = Frontier()
        self._before: dict[int, Frontier] = {}

    @property
    def root(self) -> bytes:
        return self._tree.root()

    def append(self, hashes: bytes) -> None:
        """The next leaves, 32 bytes each."""
        for start in range(0, len(hashes), 32):
            leaf = hashes[start : start + 32]
            self._claims.meet_leaf(self._tree.size, leaf)
            self._tree.append(leaf)
            if self._tree.size in self._claims.sizes:
                self._claims.roots[self._tree.size] = self._tree.root()

    def append_range(self, summary: RangeSummary) -> None:
        """The leaves of the next range."""
        self._before[summary.first] = deepcopy(self._tree)
        claimed = range(summary.first, summary.end + 1)
        if summary.count == WIDTH and not any(at in claimed for at in chain(self._claims.sizes, self._claims.indices)):
            # Nobody asks for anything inside: a full range is one subtree, hashed in bulk.
            self._tree.append_subtree(records.merkle_root(summary.leaf_hashes), LEVEL)
        else:
            self.append(summary.leaf_hashes)

    def root_at(self, size: int, summary: RangeSummary) -> bytes:
        """The root at `size`, where `summary` is that of the range of the last entry then."""
        tree = deepcopy(self._before[summary.first])
        for index in range(summary.first, size):
            tree.append(summary.leaf(index))
        return tree.root()
