"""A record that is told one by one only what needs it: officials' entries, and the ballots of credentials left apart.

Up to the opening it is a `Record` like any other. From there on `retally_crypto.ranges` and `retally_crypto.chains`
have looked at the ballots already, in any order; what they leave is ruled on here, in board order, by the same checks.
Roots and the other ballots' numbers come from whoever read the ranges.
"""

from __future__ import annotations

from collections.abc import Callable

from retally_crypto.record import Record
from retally_crypto.rules.findings import Ruling
from retally_crypto.rules.state import Credentials
from retally_crypto.rules.v08_roll import v08_recalled_chunk
from retally_crypto.rules.v09_form import is_ballot


class SparseRecord(Record):
    """See the module's docstring. Entries of the setup may be recalled instead of replayed; `scatter` ends the dense
    part, and after it entries come by `rule`, then `finish`."""

    _dense = True
    _first = 0
    _dense_ballots = 0
    _officials = 0
    _final_root = b""

    @property
    def root(self) -> bytes:
        """The root of all entries so far, or, once finished, of the board."""
        return self._final_root or super().root

    def recall_roll(self, leaf: bytes, registrar: int, length: int, credentials: Callable[[], Credentials]) -> None:
        """The next entry of the setup is a chunk of this registrar's list that was found to be in force before, with
        this leaf hash; `credentials` gives the roll if it is complete with it."""
        v08_recalled_chunk(self.state, registrar, length, credentials)
        self._recall(leaf)

    def recall_refused(self, leaf: bytes, kind: str | None, check: str, reason: str) -> None:
        """The next entry of the setup was found to fail a check before."""
        self.findings.append(Ruling(self.state.size, kind, check, reason, None))
        self.state.ballots.entries += kind == "ballot"
        self._recall(leaf)

    def _recall(self, leaf: bytes) -> None:
        self._tree.append(leaf)
        self.state.size += 1

    def scatter(self, roots: dict[int, bytes]) -> None:
        """From the next entry on only some are told. `roots` gives the board's root at any size after the closing."""
        self._dense = False
        self._first = self.state.size
        self._dense_ballots = self.state.ballots.entries
        self.state.tally.roots = roots

    def rule(self, index: int, raw: bytes) -> Ruling:
        """Rule on the entry at `index`, given that all officials' entries before it were told."""
        self._move_to(index)
        if not is_ballot(raw):
            self._officials += 1
        (ruling,) = self._rule([raw], self._place_always)
        return ruling

    def refuse(self, index: int, check: str, reason: str) -> None:
        """A ballot that was found to fail a check without its bytes."""
        self.findings.append(Ruling(index, "ballot", check, reason, None))

    def finish(self, size: int, root: bytes) -> None:
        """All entries of the board of `size` are ruled on."""
        self._move_to(size)
        self._final_root = root
        self.findings.sort(key=lambda finding: -1 if finding.index is None else finding.index)

    def _move_to(self, index: int) -> None:
        self.state.size = index
        if self.state.closing_index is None:
            self.state.ballots.entries = self._dense_ballots + (index - self._first) - self._officials

    def _append(self, raw: bytes) -> None:
        if self._dense:
            super()._append(raw)
        else:
            self.state.size += 1
