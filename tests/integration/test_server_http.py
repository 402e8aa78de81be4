"""The server over HTTP with real manifests, officials and ballots: what it takes, what it refuses, and what it says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.merkle import TreeHead, leaf_hash, verify_inclusion
from retally_crypto.replay import Record
from retally_crypto.secret.sign import SigningKey
from retally_crypto.tracking import tracking_code
from retally_crypto.tree_proofs import verify_consistency
from retally_lab.boards.election import CLOSES, GRACE, MAYOR, OPENS, Election, body_hash, contest, district, signing_key
from retally_server.board.board_keys import pin_authority
from tests.server_boards import read_board
from tests.server_http import HERE, SLUG, Server, problem, require_receipt

pytestmark = pytest.mark.usefixtures("database")

NewServer = Callable[..., Server]


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[NewServer]:
    """Starts servers on one data folder, one after the other."""
    running: list[Server] = []

    def start(**settings: Any) -> Server:
        for server in running:
            server.http.stop()
        running[:] = [Server(tmp_path, **settings)]
        return running[0]

    yield start
    for server in running:
        server.http.stop()


@pytest.fixture(scope="module")
def opened() -> Election:
    """A small election up to its opening: to be copied."""
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    election.ceremony()
    election.roll()
    election.open()
    return election


@pytest.fixture
def election(opened: Election) -> Election:
    return opened.copy()


@pytest.fixture
def server(new_server: NewServer, election: Election) -> Server:
    """A server on which that election is open."""
    server = new_server()
    assert server.http.post("/elections", content=election.entries[0]).status_code == 201
    for response in server.append(election.entries[1:]):
        assert response.status_code == 201, response.text
    return server


# ---- a whole election ----


def test_a_whole_election_goes_over_http_and_comes_out_as_the_same_board(server: Server, election: Election) -> None:
    start = len(election.entries)
    election.cast("north-1", [[1, 0, 0]])
    election.cast("north-2", [[0, 1, 0]])
    election.cast("north-1", [[0, 0, 1]])
    for index, (raw, response) in enumerate(
        zip(election.entries[start:], server.append(election.entries[start:]), strict=True), start=start
    ):
        assert response.status_code == 201, response.text
        assert require_receipt(response, raw, index).size == index + 1
    election.close()
    server.now = CLOSES + 5
    assert server.append(election.entries[-1:])[0].status_code == 201
    tally = len(election.entries)
    election.paper("north", "mayor", [10, 20, 30])
    election.decrypt(1)
    election.result()
    server.now = CLOSES + 100_000
    assert [response.status_code for response in server.append(election.entries[tally:])] == [201] * 3

    entries = read_board(server.folder / "boards" / SLUG, signing_key("board.example/2027").verifier_key)
    assert entries == election.entries
    record = Record(entries[0])
    assert all(ruling.accepted for ruling in record.replay(entries[1:]))
    assert {check.state for check in record.checks(election.policy(), None)} == {"pass"}
    assert server.http.get(HERE).json()["phase"] == "tally"


def test_a_restart_changes_nothing(server: Server, election: Election, new_server: NewServer) -> None:
    election.cast("north-1", [[1, 0, 0]])
    (first,) = server.append(election.entries[-1:])
    before = {name: server.http.get(f"{HERE}{name}").content for name in ("", "/checkpoint", "/tile/entries/000.p/11")}
    again = new_server()
    assert {name: again.http.get(f"{HERE}{name}").content for name in before} == before
    (second,) = again.append(election.entries[-1:])
    assert (first.status_code, second.status_code) == (201, 200)
    assert second.content == first.content
    election.cast("north-1", [[0, 0, 0]])
    assert again.append(election.entries[-1:])[0].status_code == 201


# ---- creating ----


def test_the_same_manifest_twice_is_one_election(new_server: NewServer, election: Election) -> None:
    server = new_server()
    first, second = (server.http.post("/elections", content=election.entries[0]) for _ in range(2))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.content == second.content
    assert first.headers["location"] == HERE
    require_receipt(first, election.entries[0], 0)
    assert [each["slug"] for each in server.http.get("/elections").json()["elections"]] == [SLUG]


def test_a_board_is_never_used_for_a_second_election(server: Server) -> None:
    other = Election.create(title="Another election on the same board")
    problem(server.http.post("/elections", content=other.entries[0]), 409, "election-exists")


def test_a_board_key_must_be_made_on_this_server_first(new_server: NewServer, election: Election) -> None:
    server = new_server()
    (server.folder / "keys" / "2027.key").unlink()
    members = problem(server.http.post("/elections", content=election.entries[0]), 409, "board-key-unknown")
    assert "retally-server board new 2027" in members["detail"]
    assert server.http.get("/elections").json() == {"elections": []}


def test_a_board_takes_no_manifest_of_another_authority_than_it_was_made_for(
    new_server: NewServer, election: Election
) -> None:
    server = new_server()
    stranger = SigningKey.from_seed("elsewhere.example/authority", bytes(32)).verifier_key
    pin_authority(server.folder / "keys", SLUG, stranger)
    problem(server.http.post("/elections", content=election.entries[0]), 409, "refused", "V04")
    assert server.http.get("/elections").json() == {"elections": []}
    pin_authority(server.folder / "keys", SLUG, election.manifest.authority)
    assert server.http.post("/elections", content=election.entries[0]).status_code == 201


def test_a_manifest_that_breaks_a_rule_is_refused_under_v03(new_server: NewServer) -> None:
    server = new_server()
    for wrong in (Election.create(opens=CLOSES), Election.create(contests=(contest("mayor", 3, "total", 1, 2, 1),))):
        problem(server.http.post("/elections", content=wrong.entries[0]), 422, "refused", "V03")


def test_a_manifest_signed_by_somebody_else_is_refused(new_server: NewServer, election: Election) -> None:
    raw = election.entries[0].rsplit(b" ", 1)
    forged = Election.create(title="Forged").entries[0].rsplit(b" ", 1)
    response = new_server().http.post("/elections", content=raw[0] + b" " + forged[1])
    assert problem(response, 422, "refused", "V03")["reason"]


# ---- casting ----


def test_a_ballot_moved_to_another_credential_is_refused(server: Server, election: Election) -> None:
    election.cast("north-1", [[1, 0, 0]])
    election.edit(-1, credential=election.voters["north-2"].credential)
    problem(server.append(election.entries[-1:])[0], 422, "refused", "V10")


def test_a_second_ballot_that_ignores_the_first_is_refused_and_told_what_to_do(
    server: Server, election: Election
) -> None:
    rival = election.copy()
    election.cast("north-1", [[1, 0, 0]])
    rival.cast("north-1", [[0, 1, 0]])
    answers = server.append([election.entries[-1], rival.entries[-1]])
    assert answers[0].status_code == 201
    assert "Look up" in problem(answers[1], 409, "refused", "V12")["detail"]


def test_a_credential_that_is_not_on_the_roll_is_refused(server: Server) -> None:
    stranger = Election.create(contests=(MAYOR,), districts=(district("north"),), guardian_count=(1, 1))
    stranger.ceremony()
    stranger.roll()
    stranger.open()
    stranger.cast("north-1", [[1, 0, 0]])
    problem(server.append(stranger.entries[-1:])[0], 422, "refused", "V11")


def test_a_ballot_replayed_from_another_election_is_refused(server: Server, election: Election) -> None:
    election.cast("north-1", [[1, 0, 0]])
    election.edit(-1, election=bytes(32))
    problem(server.append(election.entries[-1:])[0], 400, "refused", "V09")


@pytest.mark.parametrize(
    "body",
    [b"{", b"null", b"\xff\xfe", b'{"kind":"ballot"}', b" " * 10, b"[" * 65_000, b'{"kind":"ballot","kind":"ballot"}'],
)
def test_malformed_json_is_refused_under_v09_and_disturbs_nobody(server: Server, body: bytes) -> None:
    problem(server.http.post(f"{HERE}/ballots", content=body), 400, "refused", "V09")
    problem(server.http.post(f"{HERE}/entries", content=body + b"\n"), 400, "refused", "V09")
    assert server.http.get("/health").status_code == 200


def test_a_ballot_re_spaced_by_a_proxy_is_refused(server: Server, election: Election) -> None:
    election.cast("north-1", [[1, 0, 0]])
    spaced = json.dumps(json.loads(election.entries[-1]), sort_keys=True).encode()
    problem(server.append([spaced])[0], 400, "refused", "V09")


def test_the_content_type_does_not_matter(server: Server, election: Election) -> None:
    for voter, content_type in (("north-1", "application/json"), ("north-2", "x/y; z"), ("north-3", "")):
        election.cast(voter, [[1, 0, 0]])
        headers = {"content-type": content_type}
        response = server.http.post(f"{HERE}/ballots", content=election.entries[-1], headers=headers)
        assert response.status_code == 201, response.text


def test_ballots_and_officials_entries_have_their_own_addresses(server: Server, election: Election) -> None:
    election.cast("north-1", [[1, 0, 0]])
    problem(server.http.post(f"{HERE}/entries", content=election.entries[-1]), 400, "malformed", "V09")
    problem(server.http.post(f"{HERE}/ballots", content=election.entries[1]), 400, "malformed", "V09")


def test_nothing_is_taken_outside_the_manifests_hours(server: Server, election: Election) -> None:
    election.cast("north-1", [[1, 0, 0]])
    ballot = election.entries[-1]
    for now in (OPENS - 1, CLOSES + GRACE + 1):
        server.now = now
        problem(server.append([ballot])[0], 409, "outside-hours", "V04")
    server.now = CLOSES - 1
    assert server.append([ballot])[0].status_code == 201
    election.close()
    problem(server.append(election.entries[-1:])[0], 409, "outside-hours", "V04")
    server.now = CLOSES
    assert server.append(election.entries[-1:])[0].status_code == 201
    election.cast("north-2", [[1, 0, 0]])
    problem(server.append(election.entries[-1:])[0], 409, "refused", "V04")


def test_an_entry_signed_by_the_wrong_official_is_refused(server: Server, election: Election) -> None:
    forged = election.official("closing", [election.registrars[0]], ballots=0)
    server.now = CLOSES
    problem(server.append([forged])[0], 409, "refused", "V04")


def test_a_credential_casts_no_faster_than_its_rate(new_server: NewServer, election: Election) -> None:
    server = new_server(rate_ballots=2)
    server.http.post("/elections", content=election.entries[0])
    server.append(election.entries[1:])
    for choice in ([1, 0, 0], [0, 1, 0], [0, 0, 1]):
        election.cast("north-1", [choice])
    responses = server.append(election.entries[-3:])
    assert [response.status_code for response in responses] == [201, 201, 429]
    problem(responses[2], 429, "too-many-ballots")
    assert int(responses[2].headers["retry-after"]) == 61
    server.now += 61
    assert server.append(election.entries[-1:])[0].status_code == 201


# ---- bodies ----


def test_a_body_of_65535_bytes_is_read_and_one_more_is_not(server: Server) -> None:
    problem(server.http.post(f"{HERE}/ballots", content=b"x" * 65_535), 400, "refused", "V09")
    problem(server.http.post(f"{HERE}/ballots", content=b"x" * 65_536), 413, "body-too-large", "V09")


def test_an_endless_body_is_cut_off_while_it_is_read(server: Server) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 2_000_000:
            sent += 10_000
            yield b"x" * 10_000

    problem(server.http.post(f"{HERE}/ballots", content=endless()), 413, "body-too-large", "V09")
    assert sent < 100_000


def test_a_body_that_does_not_arrive_is_given_up(new_server: NewServer, election: Election) -> None:
    server = new_server(body_seconds=0.05)
    server.http.post("/elections", content=election.entries[0])

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(0.2)
        yield b"}"

    problem(server.http.post(f"{HERE}/ballots", content=slow()), 408, "body-too-slow")


def test_an_empty_body_is_refused(server: Server) -> None:
    problem(server.http.post(f"{HERE}/ballots", content=b""), 400, "malformed", "V09")


# ---- looking up ----


def test_a_voter_sees_what_was_cast_with_her_credential(server: Server, election: Election) -> None:
    voter = election.voters["north-1"]
    address = f"{HERE}/credentials/{b64url_encode(voter.credential)}"
    nothing = server.http.get(address).json()
    assert (nothing["ballots"], nothing["previous"], nothing["style"]) == ([], b64url_encode(bytes(32)), "north")
    indices = [election.cast("north-1", [choice]) for choice in ([1, 0, 0], [0, 1, 0])]
    server.append(election.entries[-2:])
    found = server.http.get(address).json()
    hashes = [body_hash(election.entries[index]) for index in indices]
    codes = [tracking_code(each) for each in hashes]
    assert [each["index"] for each in found["ballots"]] == indices
    assert [each["tracking_code"] for each in found["ballots"]] == codes
    assert (found["previous"], found["active"]) == (b64url_encode(hashes[-1]), True)
    first, last = (server.http.get(f"{HERE}/tracking/{code}").json() for code in codes)
    assert (first["index"], first["superseded"]) == (indices[0], True)
    assert (last["index"], last["superseded"]) == (indices[1], False)
    typed = codes[1].lower().replace("-", " ")
    assert server.http.get(f"{HERE}/tracking/{typed}").json() == last


def test_lookups_of_what_is_not_there_are_problems(server: Server) -> None:
    stranger = b64url_encode(bytes(range(32)))
    problem(server.http.get(f"{HERE}/credentials/{stranger}"), 404, "not-found", "V11")
    problem(server.http.get(f"{HERE}/credentials/!"), 400, "malformed")
    problem(server.http.get(f"{HERE}/tracking/{tracking_code(bytes(32))}"), 404, "not-found")
    problem(server.http.get(f"{HERE}/tracking/not-a-code"), 400, "malformed")
    problem(server.http.get("/elections/none"), 404, "not-found")
    problem(server.http.get("/nowhere"), 404, "not-found")
    problem(server.http.request("PUT", "/health"), 405, "method-not-allowed")
    problem(server.http.get(f"{HERE}/proofs/inclusion?index=x"), 400, "malformed")
    problem(server.http.get(f"{HERE}/proofs/inclusion?index=1&size=999"), 404, "not-found")


def test_proofs_lead_to_the_published_root(server: Server, election: Election) -> None:
    summary = server.http.get(HERE).json()
    head = TreeHead(summary["size"], b64url_decode(summary["root"], 32))
    assert head.size == len(election.entries)
    proof = server.http.get(f"{HERE}/proofs/inclusion?index=3").json()
    hashes = [b64url_decode(each, 32) for each in proof["proof"]]
    verify_inclusion(leaf_hash(election.entries[3]), 3, hashes, head)
    proof = server.http.get(f"{HERE}/proofs/consistency?old=5").json()
    hashes = [b64url_decode(each, 32) for each in proof["proof"]]
    verify_consistency(TreeHead(5, b64url_decode(proof["old_root"], 32)), head, hashes)


# ---- files ----


def test_files_are_served_as_tlog_tiles_asks(server: Server) -> None:
    checkpoint = server.http.get(f"{HERE}/checkpoint", headers={"origin": "https://auditor.example"})
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "public, max-age=2"
    assert checkpoint.headers["access-control-allow-origin"] == "*"
    size = int(checkpoint.text.split("\n")[1])
    for name in (f"tile/entries/000.p/{size}", f"tile/0/000.p/{size}"):
        tile = server.http.get(f"{HERE}/{name}", headers={"origin": "https://auditor.example"})
        assert tile.status_code == 200
        assert tile.headers["content-type"] == "application/octet-stream"
        assert "immutable" in tile.headers["cache-control"]
        assert tile.headers["access-control-allow-origin"] == "*"
        assert tile.content == (server.folder / "boards" / SLUG / name).read_bytes()


@pytest.mark.parametrize(
    "path",
    [
        "tile/..%2f..%2f..%2fboard.sqlite",
        "tile/0/..%2f..%2fcheckpoint",
        "tile/0/000.p/..%2f..%2f..%2fcheckpoint",
        "tile/0/x000/000",
        "tile/64/000",
        "tile/0/000.p/256",
        "tile/%2fetc%2fpasswd",
    ],
)
def test_only_tiles_are_served_as_tiles(server: Server, path: str) -> None:
    assert server.http.get(f"{HERE}/{path}").status_code in (400, 404)
    assert server.http.get(f"{HERE}/{path}").headers["content-type"] == "application/problem+json"


def test_a_tile_that_is_not_there_is_not_found(server: Server) -> None:
    problem(server.http.get(f"{HERE}/tile/0/007"), 404, "not-found")


def test_cross_origin_reading_is_open_and_writing_is_not(server: Server) -> None:
    def preflight(method: str) -> int:
        headers = {"origin": "https://anywhere.example", "access-control-request-method": method}
        return server.http.request("OPTIONS", f"{HERE}/ballots", headers=headers).status_code

    assert (preflight("GET"), preflight("POST")) == (200, 403)


# ---- what it says of itself ----


def test_health_names_version_and_engine(server: Server) -> None:
    health = server.http.get("/health").json()
    assert (health["status"], health["elections"], health["waiting"]) == ("ok", 1, 0)
    assert health["engine"] in ("native", "reference")


def test_a_fault_of_ours_is_a_problem_without_its_text(
    server: Server, election: Election, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret text")

    monkeypatch.setattr(server.elections.store, "ballots_of", broken)
    credential = b64url_encode(election.voters["north-1"].credential)
    response = server.http.get(f"{HERE}/credentials/{credential}")
    problem(response, 500, "fault")
    assert "secret text" not in response.text + str(capsys.readouterr())


def test_openapi_documents_every_problem_and_gives_examples(server: Server) -> None:
    document = server.http.get("/openapi.json").json()
    assert "HTTPValidationError" not in json.dumps(document)
    assert {"/elections", HERE.replace(SLUG, "{slug}"), "/health"} <= set(document["paths"])
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == 17
    for path, method, operation in operations:
        assert operation["summary"], path
        assert operation["description"], path
        assert any(status.startswith("2") for status in operation["responses"]), path
        if method == "post":
            for content in operation["requestBody"]["content"].values():
                assert content["example"]
            assert {"200", "201", "400", "408", "409", "413", "422", "503"} <= set(operation["responses"])
        for status, response in operation["responses"].items():
            assert response["description"], (path, status)
            if status[0] in "45" and not (path.startswith("/health") and status == "503"):
                schema = response["content"]["application/problem+json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ProblemDetails"}
    assert document["components"]["schemas"]["ProblemDetails"]["example"]["check"] == "V12"
