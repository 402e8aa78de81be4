"""docs/spec/vectors/evidence.json, page 11: `retally adjudicate` finds what is written there, and refuses the rest."""

from __future__ import annotations

from typing import Any

import pytest

from retally_client.adjudication.evidence_file import parse_evidence
from retally_client.adjudication.judgement import judge
from retally_crypto.errors import Malformed
from tests.own_vectors import vectors

FILES = vectors("evidence.json")


@pytest.mark.parametrize("case", FILES["judged"], ids=lambda case: case["name"])
def test_a_file_proves_exactly_what_it_shows(case: dict[str, Any]) -> None:
    found = judge(parse_evidence(case["file"].encode()))
    assert (found.board_at_fault, list(found.witnesses_at_fault)) == (case["board"], case["witnesses"])


@pytest.mark.parametrize("case", FILES["refused"], ids=lambda case: case["why"])
def test_what_is_no_file_of_evidence_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        judge(parse_evidence(case["file"].encode()))
