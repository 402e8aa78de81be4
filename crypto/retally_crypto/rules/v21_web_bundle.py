"""V21 of a verifier that reads files only; one that asks origins, too, is `retally_verify.web_bundle` (page 10)."""

from __future__ import annotations

from retally_crypto.manifest import Manifest
from retally_crypto.rules.findings import TITLES, CheckResult


def v21_not_looked_at(manifest: Manifest | None) -> CheckResult:
    """V21 as a whole where nobody asked an origin. None: there is no manifest to be trusted."""
    if manifest is not None and manifest.client.bundle is None:
        return v21_not_applicable("the manifest names no web bundle")
    return v21_not_applicable("only the board's files were looked at, no origin of the web bundle")


def v21_not_applicable(*reasons: str) -> CheckResult:
    """V21 as a whole, for a condition that page 10 lists."""
    return CheckResult("V21", TITLES["V21"], "not applicable", reasons)
