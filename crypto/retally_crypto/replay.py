"""The election record that grows entry by entry (docs/spec, page 8).

`Record` is the server's check on the way in (`admit`) and anybody's check of entries at hand (`replay`). Whoever
verifies a whole board from its files (`retally_verify`) applies the same rules to it piece by piece, and ends with the
same answers: `retally_crypto.record.ElectionRecord`. Everything here is a pure function of the entries given: no clock,
no network, and no disk unless `storage` is one.

    record = Record(first_entry)            entry 0, the manifest
    record.replay(more_entries)             in board order, in as many pieces as is convenient
    record.checks(policy, times)            V03 to V20 as of now
    record.outcome()                        units, counts and reconciliation, whatever the checks say

Memory grows with the credentials and their last ballots, the points of accepted ballots (V13) and the entries
refused, not with the length of the board otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from retally_crypto.errors import Refused
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.findings import Finding, Ruling
from retally_crypto.rules.fold import begin, rule_candidate, rule_official
from retally_crypto.rules.state import Memory, Storage
from retally_crypto.rules.v09_form import is_ballot
from retally_crypto.rules.v10_v13_ballots import (
    candidates,
)
from retally_crypto.rules.v14_v15_counting import (
    counting,
    last_ballots,
)
from retally_crypto.tally import Tally

BLOCK = 512
"""Ballots whose proofs are verified together: enough for a batch to pay off, few enough to stay small in memory."""

Place = Callable[[bytes, Ruling], Ruling]


class Record(ElectionRecord):
    """An `ElectionRecord` that grows entry by entry; see the module's docstring."""

    def __init__(self, manifest_entry: bytes, storage: Storage | None = None) -> None:
        """Begin with entry 0. Raises Malformed if it is no manifest; broken rules are in `manifest_faults` (V03).

        `storage` keeps what grows with the electorate, in memory unless told otherwise.
        """
        super().__init__(begin(manifest_entry, storage or Memory()), (), b"")
        self._tree = Frontier()
        self._tree.append(leaf_hash(manifest_entry))

    @property
    def root(self) -> bytes:
        return self._tree.root()

    def replay(self, entries: Sequence[bytes]) -> list[Ruling]:
        """Rule on the board's next entries. Each takes the next index, in force or not (8.1).

        On a manifest that fails V03 nothing can be ruled on: the entries are hashed into `root` only.
        """
        if self.state.manifest_faults:
            return [self._hash_only(raw) for raw in entries]
        return self._rule(entries, self._place_always)

    def admit(self, entries: Sequence[bytes]) -> list[Ruling]:
        """Rule on entries offered to the board. One that is refused takes no index and leaves no trace.

        Accepted ones are in force at once: a caller that then fails to write them has to begin a new record. Raises
        Refused if the manifest fails V03.
        """
        if self.state.manifest_faults:
            raise Refused(self.manifest_faults[0])
        return self._rule(entries, self._place_accepted)

    def _rule(self, entries: Sequence[bytes], place: Place) -> list[Ruling]:
        rulings: list[Ruling] = []
        for block in blocks(entries):
            if is_ballot(block[0]):
                judged = zip(block, candidates(self.state, block), strict=True)
                rulings += [place(raw, rule_candidate(self.state, candidate)) for raw, candidate in judged]
            else:
                rulings.append(place(block[0], rule_official(self.state, block[0])))
        return rulings

    def _place_always(self, raw: bytes, ruling: Ruling) -> Ruling:
        if ruling.check is not None and ruling.reason is not None:
            self.findings.append(Finding(self.state.size, ruling.kind, ruling.check, ruling.reason))
        if is_ballot(raw) and self.state.closing_index is None:
            self.state.ballots.entries += 1
        if self.state.closing_index == self.state.size:
            self._count()
        self._append(raw)
        return ruling

    def _place_accepted(self, raw: bytes, ruling: Ruling) -> Ruling:
        return self._place_always(raw, ruling) if ruling.accepted else replace(ruling, index=None)

    def _hash_only(self, raw: bytes) -> Ruling:
        self._append(raw)
        return Ruling(self.size - 1, None, "V03", "the manifest fails V03, no entry can be ruled on", None)

    def _append(self, raw: bytes) -> None:
        self._tree.append(leaf_hash(raw))
        self.state.size += 1
        if self.state.closing_index is not None:
            self.state.tally.roots[self.state.size] = self._tree.root()

    def _count(self) -> None:
        """The counting that the closing just ruled on fixes."""
        tally = Tally(self.manifest)
        per_district = last_ballots(self.manifest, self.state.roll.known.values(), tally)
        self.state.tally.counting = counting(self.manifest, self.election_id, per_district, tally)


def blocks(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Runs of at most BLOCK ballot entries, and officials' entries one by one, in order."""
    start = 0
    for end, raw in enumerate(entries):
        if not is_ballot(raw):
            if start < end:
                yield entries[start:end]
            yield entries[end : end + 1]
            start = end + 1
        elif end - start == BLOCK:
            yield entries[start:end]
            start = end
    if start < len(entries):
        yield entries[start:]
