"""The election record: what is in force on a board, and every check of it (docs/spec, page 8).

Whoever verifies a whole board from its files (`retally_verify`) and whoever holds its entries (`retally_crypto.replay`)
apply the same rules, and end with the same answers: `ElectionRecord`. Everything here is a pure function of the state
given: no clock, no network and no disk.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from retally_crypto.entries import PartialDecryption, Result
from retally_crypto.errors import Refused
from retally_crypto.manifest import Manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.rules.ballot import NO_BALLOT
from retally_crypto.rules.findings import CheckResult, Finding, TimesFinding, incomplete_from
from retally_crypto.rules.phases import Phase
from retally_crypto.rules.results import Combination, Outcome
from retally_crypto.rules.state import BoardState, CeremonyState, Credential, RollState
from retally_crypto.rules.v03_manifest import v03_manifest, v03_policy
from retally_crypto.rules.v04_order import v04_phases_and_times
from retally_crypto.rules.v05_v07_ceremony import (
    v05_guardian_commitments,
    v06_complaints_and_confirmations,
    v07_joint_key,
)
from retally_crypto.rules.v08_roll import v08_roll_kept
from retally_crypto.rules.v09_form import v09_entries_well_formed
from retally_crypto.rules.v10_v13_ballots import (
    v10_ballot_proofs,
    v11_credentials,
    v12_chains,
    v13_no_point_twice,
)
from retally_crypto.rules.v14_v15_counting import (
    reconciliation,
    v14_counted_ballots,
    v15_reconciliation,
)
from retally_crypto.rules.v16_v20_decryption import (
    combination,
    v16_aggregates,
    v17_partial_decryptions,
    v18_counts,
    v19_published_result,
    v20_units,
)
from retally_crypto.tally import Aggregates, Unit


class ElectionRecord:
    """What is in force on a board, and what follows from it: questions only.

    `findings` name every entry that was refused, in board order.
    """

    def __init__(self, state: BoardState, findings: Sequence[Finding], root: bytes) -> None:
        self.state = state
        self.findings = list(findings)
        self._root = root

    @property
    def root(self) -> bytes:
        """The root of the tree of the board's `size` entries."""
        return self._root

    @property
    def size(self) -> int:
        return self.state.size

    @property
    def manifest(self) -> Manifest:
        return self.state.manifest

    @property
    def election_id(self) -> bytes:
        return self.state.election_id

    @property
    def manifest_faults(self) -> tuple[str, ...]:
        """The rules that the manifest breaks by itself (V03): then no entry can be ruled on."""
        return tuple(map(str, self.state.manifest_faults))

    def find(self, credential: bytes) -> Credential | None:
        """The credential with its chain; None if it was never on the roll. To be read only."""
        return self.state.roll.find(credential)

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
        known = self.find(credential)
        return known is not None and known.active

    def style_of(self, credential: bytes) -> int | None:
        """Index in the manifest of the credential's style; None if it was never on the roll."""
        known = self.find(credential)
        return None if known is None else known.style

    def ballots_of(self, credential: bytes) -> tuple[int, ...]:
        """Indices of the credential's accepted ballots, in order."""
        known = self.find(credential)
        return () if known is None else tuple(known.ballots)

    def previous_of(self, credential: bytes) -> bytes:
        """`previous` that the credential's next ballot must have: H(body) of its last accepted one, or zero."""
        known = self.find(credential)
        return NO_BALLOT if known is None else known.last_body_hash

    # ---- what follows from it ----

    def checks(self, policy: TrustPolicy, times: TimesFinding | None) -> tuple[CheckResult, ...]:
        """V03 to V20 as of now, under a trust policy.

        `times` is what was found about checkpoint.opening and checkpoint.closing (V04), None where nobody read
        them. V01, V02 and V21 are added by whoever reads the files; where V01 or the root fails, `incomplete_from`
        gives the rest.
        """
        first = v03_manifest(self.state.manifest_faults, v03_policy(self.manifest, self.election_id, policy))
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


CHECKS: tuple[Callable[[BoardState, Sequence[Finding]], CheckResult], ...] = (
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
