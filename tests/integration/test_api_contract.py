"""The API is what its OpenAPI document says: every operation, asked with right and wrong values by schemathesis."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from retally_crypto.encoding import b64url_encode
from retally_crypto.tracking import tracking_code
from retally_lab.boards.election import MAYOR, Election, body_hash, district
from retally_lab.server_process import ServerFolder, running_server
from tests.server_boards import write_board_key

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = os.environ.get("RETALLY_API_EXAMPLES", "25")

# Whether an entry is signed, or a code's check symbols fit, no schema can say: what has the right form may be refused.
CONFIGURATION = """
[phases.stateful]
enabled = true

[parameters]
slug = "2027"
credential = ["{credential}", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]
code = ["{code}", "7K3M-Q9WX-2FDH-0VBT-N6RA-8ZCE-5GJP-Y1S4"]
"path.path" = ["0/000.p/1", "entries/000.p/1", "0/000", "9/x999/000"]

[checks.positive_data_acceptance]
expected-statuses = ["2xx", 400, 404, 409, 422, 503]
"""


def test_every_operation_answers_as_the_document_says(tmp_path: Path) -> None:
    if not SCHEMATHESIS.exists():
        pytest.skip("schemathesis is not installed (requirements/development.txt)")
    data = tmp_path / "data"
    write_board_key(data)
    (tmp_path / "passphrase").write_text("\n")
    now = int(time.time())
    election = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        voters={"north": 3},
        opens=now - 5,
        closes=now + 3600,
    )
    election.ceremony()
    election.roll()
    election.open()
    name = next(iter(election.voters))
    ballot = election.ballot(name, [[1, 0, 0]])
    with running_server(ServerFolder(data, tmp_path / "passphrase"), tmp_path / "log") as address:
        assert httpx.post(f"{address}/elections", content=election.entries[0]).status_code == 201
        for raw in election.entries[1:]:
            assert httpx.post(f"{address}/elections/2027/entries", content=raw).status_code == 201
        assert httpx.post(f"{address}/elections/2027/ballots", content=ballot).status_code == 201
        (tmp_path / "schemathesis.toml").write_text(
            CONFIGURATION.format(
                credential=b64url_encode(election.voters[name].credential), code=tracking_code(body_hash(ballot))
            )
        )
        asked = subprocess.run(
            [
                SCHEMATHESIS,
                f"--config-file={tmp_path / 'schemathesis.toml'}",
                "run",
                f"{address}/openapi.json",
                "--checks=all",
                f"--max-examples={EXAMPLES}",
                "--seed=2021",
                "--no-color",
            ],
            cwd=tmp_path,
            env=os.environ | {"NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert asked.returncode == 0, asked.stdout[-6_000:] + asked.stderr[-2_000:]
        assert "Tested: 17" in asked.stdout, asked.stdout[-2_000:]
        assert httpx.get(f"{address}/health").json()["status"] == "ok"
    assert '"fault"' not in (tmp_path / "log").read_text()
