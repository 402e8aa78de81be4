"""The election record: a fold over the entries of a board that says of each whether it is in force (page 8).

The same code is the server's check on the way in (`admit`), the auditor's check afterwards (`replay`) and the
guardian's before it decrypts. Everything here is a pure function of the entries given: no clock, no disk, no
network.

    record = Record(first_entry)            entry 0, the manifest
    record.replay(more_entries)             in board order, in as many pieces as is convenient
    record.checks(policy, times)            V03 to V20 as of now
    record.outcome()                        units, counts and reconciliation, whatever the checks say

Memory grows with the credentials and their last ballots, the points of accepted ballots (V13) and the entries
refused, not with the length of the board otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from retally_crypto.entries import Entry, PaperCount, PartialDecryption, Result, SignedEntry, election_id, parse_entry
from retally_crypto.errors import Malformed, Refused
from retally_crypto.manifest import Manifest
from retally_crypto.merkle import Frontier, leaf_hash
from retally_crypto.policy import TrustPolicy
from retally_crypto.rules.findings import Broken, CheckResult, Ruling, TimesFinding, incomplete_from
from retally_crypto.rules.own_check import own_check
from retally_crypto.rules.state import NO_BALLOT, BoardState, CeremonyState, Memory, Phase, RollState, Storage
from retally_crypto.rules.v03_manifest import v03_manifest, v03_manifest_rules, v03_policy
from retally_crypto.rules.v04_order import v04_phases_and_times, v04_written_by_its_key_in_phase_and_order
from retally_crypto.rules.v05_v07_ceremony import (
    v05_guardian_commitments,
    v06_complaints_and_confirmations,
    v07_joint_key,
)
from retally_crypto.rules.v08_roll import (
    v08_roll_kept,
)
from retally_crypto.rules.v09_form import is_ballot, v09_entries_well_formed, v09_official_form
from retally_crypto.rules.v10_v13_ballots import (
    v10_ballot_proofs,
    v10_proofs_of_block,
    v11_credentials,
    v12_chains,
    v12_v13_chain_and_points,
    v13_no_point_twice,
)
from retally_crypto.rules.v14_v15_counting import (
    Reconciliation,
    reconciliation,
    v14_counted_ballots,
    v15_reconciliation,
)
from retally_crypto.rules.v16_v20_decryption import (
    Combination,
    UnitCounts,
    combination,
    v16_aggregates,
    v17_partial_decryptions,
    v18_counts,
    v19_published_result,
    v20_units,
)
from retally_crypto.tally import Aggregates, Unit

BLOCK = 512
"""Ballots whose proofs are verified together: enough for a batch to pay off, few enough to stay small in memory."""

Place = Callable[[bytes, str | None, Broken | None, Entry | None], Ruling]


@dataclass(frozen=True)
class Outcome:
    """What a closed board says, computed from it alone and shown also when checks fail.

    `counts` holds every unit in order; it is None while fewer than k partial decryptions are valid. `paper_counts`
    are the authority's own figures, never verified.
    """

    units: tuple[Unit, ...]
    counts: tuple[UnitCounts, ...] | None
    reconciliation: Reconciliation
    paper_counts: tuple[PaperCount, ...]
    combined: bytes | None


class Record:
    """The state of one election's board; see the module's docstring."""

    def __init__(self, manifest_entry: bytes, storage: Storage | None = None) -> None:
        """Begin with entry 0. Raises Malformed if it is no manifest; broken rules are in `manifest_faults` (V03).

        `storage` keeps what grows with the electorate, in memory unless told otherwise.
        """
        entry = parse_entry(manifest_entry, None)
        if not isinstance(entry, SignedEntry) or not isinstance(entry.content, Manifest):
            raise Malformed("entry 0 is not a manifest")
        self.manifest: Manifest = entry.content
        self.election_id: bytes = election_id(manifest_entry)
        self.manifest_faults = v03_manifest_rules(entry, self.manifest)
        self.findings: list[Ruling] = []
        self.state = BoardState(self.manifest, self.election_id, RollState(storage or Memory()))
        self._tree = Frontier()
        self._append(manifest_entry)
        self.state.ceremony.leaf_hashes.append(leaf_hash(manifest_entry))

    # ---- what is on the board ----

    @property
    def size(self) -> int:
        return self.state.size

    @property
    def root(self) -> bytes:
        return self._tree.root()

    @property
    def phase(self) -> Phase:
        return self.state.phase

    @property
    def joint_key(self) -> bytes | None:
        """K, once the opening is in force."""
        return self.state.joint_key

    @property
    def opening_index(self) -> int | None:
        return self.state.opening_index

    @property
    def closing_index(self) -> int | None:
        return self.state.closing_index

    @property
    def ceremony(self) -> CeremonyState:
        """The ceremony's entries in force. To be read only."""
        return self.state.ceremony

    @property
    def roll(self) -> RollState:
        """Registrars' commitments, and every credential that was ever on the roll. To be read only."""
        return self.state.roll

    @property
    def partial_decryptions(self) -> dict[int, PartialDecryption]:
        """The valid partial decryptions by guardian."""
        return dict(self.state.tally.partial_decryptions)

    @property
    def result(self) -> Result | None:
        return self.state.tally.result

    def is_active(self, credential: bytes) -> bool:
        """Whether the credential is on the roll and neither revoked nor replaced."""
        known = self.state.roll.credentials.get(credential)
        return known is not None and known.active

    def style_of(self, credential: bytes) -> int | None:
        """Index in the manifest of the credential's style; None if it was never on the roll."""
        known = self.state.roll.credentials.get(credential)
        return None if known is None else known.style

    def ballots_of(self, credential: bytes) -> tuple[int, ...]:
        """Indices of the credential's accepted ballots, in order."""
        known = self.state.roll.credentials.get(credential)
        return () if known is None else tuple(known.ballots)

    def previous_of(self, credential: bytes) -> bytes:
        """`previous` that the credential's next ballot must have: H(body) of its last accepted one, or zero."""
        known = self.state.roll.credentials.get(credential)
        return NO_BALLOT if known is None else known.last_body_hash

    # ---- the fold ----

    def replay(self, entries: Sequence[bytes]) -> list[Ruling]:
        """Rule on the board's next entries. Each takes the next index, in force or not (8.1).

        On a manifest that fails V03 nothing can be ruled on: the entries are hashed into `root` only.
        """
        if self.manifest_faults:
            return [self._hash_only(raw) for raw in entries]
        return self._rule(entries, self._place_always)

    def admit(self, entries: Sequence[bytes]) -> list[Ruling]:
        """Rule on entries offered to the board. One that is refused takes no index and leaves no trace.

        Accepted ones are in force at once: a caller that then fails to write them has to begin a new record. Raises
        Refused if the manifest fails V03.
        """
        if self.manifest_faults:
            raise Refused(self.manifest_faults[0])
        return self._rule(entries, self._place_accepted)

    def _rule(self, entries: Sequence[bytes], place: Place) -> list[Ruling]:
        rulings: list[Ruling] = []
        for block in _blocks(entries):
            if is_ballot(block[0]):
                rulings += self._rule_ballots(block, place)
            else:
                rulings.append(self._rule_official(block[0], place))
        return rulings

    def _rule_ballots(self, block: Sequence[bytes], place: Place) -> list[Ruling]:
        rulings = []
        for raw, (ballot, broken) in zip(block, v10_proofs_of_block(self.state, block), strict=True):
            if ballot is not None and broken is None:
                try:
                    v12_v13_chain_and_points(self.state, ballot)
                except Broken as later:
                    broken = later
            rulings.append(place(raw, "ballot", broken, ballot))
        return rulings

    def _rule_official(self, raw: bytes, place: Place) -> Ruling:
        entry: SignedEntry | None = None
        broken: Broken | None = None
        try:
            entry = v09_official_form(self.state, raw)
            v04_written_by_its_key_in_phase_and_order(self.state, entry)
            own_check(self.state, entry)
        except Broken as found:
            broken = found
        return place(raw, None if entry is None else entry.content.kind, broken, entry)

    def _place_always(self, raw: bytes, kind: str | None, broken: Broken | None, entry: Entry | None) -> Ruling:
        index = self.state.size
        if is_ballot(raw) and self.state.closing_index is None:
            self.state.ballots.entries += 1
        self._append(raw)
        if broken is None:
            return Ruling(index, kind, None, None, entry)
        self.findings.append(Ruling(index, kind, broken.check, broken.reason, None))
        return Ruling(index, kind, broken.check, broken.reason, entry)

    def _place_accepted(self, raw: bytes, kind: str | None, broken: Broken | None, entry: Entry | None) -> Ruling:
        if broken is not None:
            return Ruling(None, kind, broken.check, broken.reason, entry)
        return self._place_always(raw, kind, None, entry)

    def _hash_only(self, raw: bytes) -> Ruling:
        self._append(raw)
        return Ruling(self.size - 1, None, "V03", "the manifest fails V03, no entry can be ruled on", None)

    def _append(self, raw: bytes) -> None:
        self._tree.append(leaf_hash(raw))
        self.state.size += 1
        if self.state.closing_index is not None:
            self.state.tally.roots[self.state.size] = self._tree.root()

    # ---- what follows from it ----

    def checks(self, policy: TrustPolicy, times: TimesFinding | None) -> tuple[CheckResult, ...]:
        """V03 to V20 as of now, under a trust policy.

        `times` is what was found about checkpoint.opening and checkpoint.closing (V04), None where nobody read
        them. V01, V02 and V21 are added by whoever reads the files; where V01 or the root fails, `incomplete_from`
        gives the rest.
        """
        first = v03_manifest(self.manifest_faults, v03_policy(self.manifest, self.election_id, policy))
        if first.state == "fail":
            return (first, *incomplete_from("V04", "V03 fails: the entries cannot be trusted to be the board's"))
        v04 = v04_phases_and_times(self.state, self.findings, times)
        return (first, v04, *(check(self.state, self.findings) for check in CHECKS))

    def outcome(self) -> Outcome | None:
        """Units, counts and reconciliation of a closed board, None before the closing; whatever the checks say."""
        tally = self.state.tally
        if tally.counting is None:
            return None
        computed: Combination | None = combination(self.state)
        return Outcome(
            units=tally.counting.units,
            counts=None if computed is None else computed.units,
            reconciliation=reconciliation(self.state),
            paper_counts=tuple(tally.paper_counts.values()),
            combined=None if computed is None else computed.digest,
        )

    def aggregates(self) -> tuple[Aggregates, bytes]:
        """The sums that guardians decrypt and their digest (7.3, 7.4). Raises Refused before the closing."""
        if self.state.tally.counting is None:
            raise Refused("the board is not closed: there is nothing to decrypt")
        return self.state.tally.counting.aggregates, self.state.tally.counting.digest

    def reported_units(self) -> tuple[Unit, ...]:
        """The units whose aggregates are decrypted. Raises Refused before the closing."""
        if self.state.tally.counting is None:
            raise Refused("the board is not closed: it has no units yet")
        return self.state.tally.counting.reported


CHECKS: tuple[Callable[[BoardState, Sequence[Ruling]], CheckResult], ...] = (
    v05_guardian_commitments,
    v06_complaints_and_confirmations,
    v07_joint_key,
    v08_roll_kept,
    v09_entries_well_formed,
    v10_ballot_proofs,
    v11_credentials,
    v12_chains,
    v13_no_point_twice,
    v14_counted_ballots,
    v15_reconciliation,
    v16_aggregates,
    v17_partial_decryptions,
    v18_counts,
    v19_published_result,
    v20_units,
)


def _blocks(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
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
