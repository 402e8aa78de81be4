"""Settings, hours, rates, submissions, board keys, problems and logs."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import structlog
from pydantic import SecretStr, ValidationError

from retally_crypto.encoding import b64url_encode
from retally_crypto.errors import CannotDecrypt, Malformed, Unusable
from retally_crypto.secret.sign import SigningKey
from retally_server import logs
from retally_server.api.problems import documented, problem_for
from retally_server.board.board_keys import make_board_key, pin_authority, pinned_authority, read_board_key
from retally_server.board.hours import outside_hours
from retally_server.board.rates import BallotRate
from retally_server.board.refusals import refused
from retally_server.board.submissions import Submission
from retally_server.settings import Settings, load_settings

HOURS = SimpleNamespace(opens=100, closes=200, grace=10)


# ---- settings ----


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "server.toml"
    file.write_text('port = 9001\nhost = "::1"\n')
    monkeypatch.setenv("RETALLY_PORT", "9002")
    settings = load_settings(file)
    assert (settings.port, settings.host) == (9002, "::1")


@pytest.mark.parametrize("content", ["porrt = 1\n", "port = 70000\n", 'batch_limit = "many"\n', "queue_limit = 0\n"])
def test_a_wrong_setting_is_an_error_and_not_ignored(tmp_path: Path, content: str) -> None:
    file = tmp_path / "server.toml"
    file.write_text(content)
    with pytest.raises(ValidationError):
        load_settings(file)


def test_a_settings_file_that_is_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_settings(tmp_path / "absent.toml")


def test_everything_is_in_the_data_folder_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETALLY_DATA", str(tmp_path))
    settings = load_settings(None)
    assert settings.database == f"sqlite:///{tmp_path}/board.sqlite"
    assert (settings.keys, settings.files) == (tmp_path / "keys", tmp_path / "boards")
    assert settings.passphrase() is None


# ---- hours ----


@pytest.mark.parametrize(
    ("kind", "first", "last"), [("ballot", 100, 210), ("opening", 100, 110), ("closing", 200, 210)]
)
def test_hours_include_both_ends(kind: str, first: int, last: int) -> None:
    assert outside_hours(kind, HOURS, first) is None
    assert outside_hours(kind, HOURS, last) is None
    assert "before" in (outside_hours(kind, HOURS, first - 0.5) or "")
    assert "after" in (outside_hours(kind, HOURS, last + 0.5) or "")


def test_other_kinds_have_no_hours() -> None:
    assert outside_hours("paper-count", HOURS, 0) is None


# ---- rates ----


def test_a_rate_is_a_sliding_window_and_not_a_cap_for_life() -> None:
    rate = BallotRate(2, 10.0)
    for hundred in range(0, 1000, 100):
        for now in (hundred, hundred + 1):
            assert rate.wait(b"c", now) == 0
            rate.count(b"c", now)
        assert rate.wait(b"c", hundred + 2) == 8
        assert rate.wait(b"other", hundred + 2) == 0
        assert rate.wait(b"c", hundred + 10) == 0


# ---- submissions ----


def test_a_submission_says_what_its_bytes_claim() -> None:
    credential = bytes(range(32))
    raw = json.dumps({"credential": b64url_encode(credential), "kind": "closing"}).encode()
    ballot, official = Submission.received(raw, 1.0), Submission.received(raw + b"\n\nsigned\n", 1.0)
    assert (ballot.is_ballot, ballot.kind, ballot.credential) == (True, "ballot", credential)
    assert (official.is_ballot, official.kind, official.credential) == (False, "closing", None)


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xff", b"[1]", b"{", b'{"credential":7}', b'{"credential":"AA"}', b'{"credential":"!"}', b"[" * 60_000],
)
def test_rubbish_claims_nothing(raw: bytes) -> None:
    submission = Submission.received(raw, 1.0)
    assert (submission.kind, submission.credential) == ("ballot", None)
    assert Submission.received(raw + b"\n", 1.0).kind is None


# ---- board keys ----


@pytest.mark.parametrize("passphrase", [None, SecretStr("a long passphrase")])
def test_a_board_key_is_read_back(tmp_path: Path, passphrase: SecretStr | None) -> None:
    made = make_board_key(tmp_path / "keys", "council", "ballots.example/x", passphrase)
    assert made.name == "ballots.example/x/council"
    file = tmp_path / "keys" / "council.key"
    assert file.stat().st_mode & 0o777 == 0o600
    read = read_board_key(tmp_path / "keys", "council", passphrase)
    assert read is not None
    assert read.verifier_key == made
    with pytest.raises(Unusable, match="never replaced"):
        make_board_key(tmp_path / "keys", "council", "ballots.example/x", passphrase)


def test_a_board_key_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert read_board_key(tmp_path, "council", None) is None


def test_a_board_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    make_board_key(tmp_path, "council", "h", None)
    (tmp_path / "council.key").chmod(0o640)
    with pytest.raises(Unusable, match="others may read"):
        read_board_key(tmp_path, "council", None)


def test_an_encrypted_board_key_needs_its_passphrase(tmp_path: Path) -> None:
    make_board_key(tmp_path, "council", "h", SecretStr("right"))
    with pytest.raises(Unusable, match="passphrase"):
        read_board_key(tmp_path, "council", None)
    with pytest.raises(CannotDecrypt):
        read_board_key(tmp_path, "council", SecretStr("wrong"))


def test_a_key_file_under_another_boards_name_is_refused(tmp_path: Path) -> None:
    make_board_key(tmp_path, "council", "h", None)
    (tmp_path / "council.key").rename(tmp_path / "mayor.key")
    with pytest.raises(Unusable, match="h/council"):
        read_board_key(tmp_path, "mayor", None)


@pytest.mark.parametrize("slug", ["", "Council", "a b", "../etc", ".hidden", "x" * 65])
def test_a_slug_is_an_identifier(tmp_path: Path, slug: str) -> None:
    with pytest.raises(Malformed):
        make_board_key(tmp_path, slug, "ballots.example", None)


# ---- problems ----


def test_a_refusal_names_its_check_and_has_the_status_that_fits() -> None:
    statuses = {
        check: problem_for(refused(check, "why")).details.status for check in ("V04", "V09", "V10", "V11", "V12", "V13")
    }
    assert statuses == {"V04": 409, "V09": 400, "V10": 422, "V11": 422, "V12": 409, "V13": 409}
    response = problem_for(refused("V12", "why")).response()
    assert response.media_type == "application/problem+json"
    assert json.loads(bytes(response.body))["check"] == "V12"


def test_every_status_of_a_refusal_is_documented() -> None:
    assert set(documented("refused", "busy")) == {400, 409, 422, 503}


# ---- logs ----


def test_logs_are_json_and_never_carry_the_text_of_an_exception(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    try:
        logs.configure("info")
        structlog.get_logger().info("batch", accepted=1)
        structlog.get_logger().debug("quiet")
        try:
            raise ValueError("credential kJ2")
        except ValueError as fault:
            structlog.get_logger().error("fault", **logs.fault_place(fault))
            logging.getLogger("uvicorn.error").exception("Exception in ASGI application")
        logging.getLogger("uvicorn.access").critical("203.0.113.7 - POST /ballots")
    finally:
        root.handlers, root.level = handlers, level
        structlog.reset_defaults()
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["batch", "fault", "Exception in ASGI application"]
    assert [line.get("fault") for line in lines] == [None, "ValueError", "ValueError"]
    assert "kJ2" not in str(lines)
    assert "203.0.113.7" not in str(lines)


# ---- the operator's guide ----


def test_every_setting_is_in_the_operators_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guides" / "operator.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`RETALLY_{name.upper()}`" not in guide] == []


def test_a_board_is_pinned_to_the_authority_it_was_made_for(tmp_path: Path) -> None:
    make_board_key(tmp_path, "council", "h", None)
    assert pinned_authority(tmp_path, "council") is None
    authority = SigningKey.from_seed("h/authority", bytes(32)).verifier_key
    pin_authority(tmp_path, "council", authority)
    assert pinned_authority(tmp_path, "council") == authority
