"""V03: the manifest keeps the rules of 4.1, is signed by its authority, and is the one the trust policy names (page
9)."""

from __future__ import annotations

from collections.abc import Sequence

from retally_crypto.entries import SignedEntry, check_signatures
from retally_crypto.errors import BadSignature
from retally_crypto.manifest import Manifest, check_manifest
from retally_crypto.policy import TrustPolicy
from retally_crypto.rules.findings import CheckResult, Finding, conclude


def v03_manifest_rules(entry: SignedEntry, manifest: Manifest) -> tuple[Finding, ...]:
    """Every broken rule that the manifest shows by itself, its signature included."""
    faults = list(check_manifest(manifest))
    try:
        check_signatures(entry, manifest)
    except BadSignature as error:
        faults.append(str(error))
    return tuple(Finding(0, "manifest", "V03", fault) for fault in faults)


def v03_policy(manifest: Manifest, election_id: bytes, policy: TrustPolicy) -> tuple[Finding, ...]:
    """Every way in which the manifest is not what the trust policy demands."""
    faults = []
    if election_id != policy.election_id:
        faults.append(f"the election id is {election_id.hex()}, the policy names {policy.election_id.hex()}")
    if manifest.board != policy.board:
        faults.append(f"the board's key is {manifest.board}, the policy names {policy.board}")
    if tuple(manifest.witnesses.keys) != tuple(policy.witnesses) or manifest.witnesses.quorum != policy.quorum:
        faults.append("the witnesses or their quorum are not the policy's")
    return tuple(Finding(0, "manifest", "V03", fault) for fault in faults)


def v03_manifest(manifest_faults: Sequence[Finding], policy_faults: Sequence[Finding]) -> CheckResult:
    """V03 as a whole."""
    return conclude("V03", (*manifest_faults, *policy_faults))


def v03_unreadable(reason: str) -> CheckResult:
    """V03 of a board whose entry 0 is not a manifest at all: the other checks cannot even begin."""
    return conclude("V03", (Finding(0, None, "V03", reason),))
