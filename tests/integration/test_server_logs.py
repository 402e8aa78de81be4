"""What the server logs while an election runs cannot link a voter, an address and a credential."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
import structlog

from retally_crypto.encoding import b64url_encode
from retally_crypto.merkle import leaf_hash
from retally_crypto.tracking import tracking_code
from retally_lab.boards.election import MAYOR, Election, body_hash, district
from retally_server import logs
from tests.server_http import HERE, Server

ADDRESS = "203.0.113.7"


def test_logs_name_no_address_credential_hash_code_or_index(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    logs.configure("debug")
    try:
        server = Server(tmp_path)
        server.http.post("/elections", content=election.entries[0])
        server.append(election.entries[1:])
        for choice in ([1, 0, 0], [0, 1, 0]):
            election.cast("north-1", [choice])
            ballot = election.entries[-1]
            server.append([ballot, ballot, ballot[:-3]])
        credential = b64url_encode(election.voters["north-1"].credential)
        server.http.get(f"{HERE}/credentials/{credential}")
        server.http.get(f"{HERE}/tracking/{tracking_code(body_hash(ballot))}")
        server.elections.store.close()
        server.elections.store.ballots_of = None  # type: ignore[method-assign,assignment]
        assert server.http.get(f"{HERE}/credentials/{credential}").status_code == 500
        server.http.stop()
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    written = "".join(capfd.readouterr())
    lines = [json.loads(line) for line in written.splitlines()]
    assert {line["event"] for line in lines} == {"started", "election created", "batch", "fault", "stopped"}
    secrets = [election.voters["north-1"].credential, body_hash(ballot), leaf_hash(ballot)]
    forbidden = [ADDRESS, "4711", "credentials/", "tracking/", tracking_code(body_hash(ballot))]
    forbidden += [form for secret in secrets for form in (secret.hex(), b64url_encode(secret), repr(secret))]
    assert [text for text in forbidden if text in written] == []
    batches = [line for line in lines if line["event"] == "batch"]
    assert {frozenset(line) for line in batches} == {
        frozenset({"event", "level", "timestamp", "board", "accepted", "refused"})
    }
    assert sum(line["accepted"] for line in batches) == len(election.entries) - 1
