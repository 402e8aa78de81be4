"""The files under `deploy`, as an operator would use them: nginx with our configuration before a real server, systemd's
own judgement of the units."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from retally_lab.boards.election import MAYOR, Election, district
from retally_lab.server_process import ServerFolder, running_server
from retally_verify.board import HttpBoard
from tests.server_boards import write_board_key
from tests.verified import verify_board

DEPLOY = Path(__file__).parents[2] / "deploy"
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin")
SYSTEMD = shutil.which("systemd-analyze")
SLUG = "2027"


def write_certificate(folder: Path) -> None:
    """A key and a self-signed certificate for the loopback address."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "ballots.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Proxied:
    """A server behind nginx with `deploy/nginx/retally.conf`, its addresses and folders put in."""

    def __init__(self, folder: Path, data: Path, server: str) -> None:
        self.folder = folder
        self.plain, self.port = free_ports(2)
        self.address = f"https://127.0.0.1:{self.port}"
        write_certificate(folder)
        text = (DEPLOY / "nginx" / "retally.conf").read_text()
        for ours, here in {
            "127.0.0.1:8000": server.removeprefix("http://"),
            "/var/lib/retally/": f"{data}/",
            "/etc/retally/tls/": f"{folder}/",
            "/var/log/nginx/": f"{folder}/",
            "listen 80;": f"listen 127.0.0.1:{self.plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{self.port} ssl http2;",
        }.items():
            assert ours in text, ours
            text = text.replace(ours, here)
        text = re.sub(r"\n *listen \[::\].*", "", text)
        temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy"))
        unused = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("fastcgi", "uwsgi", "scgi"))
        (folder / "retally.conf").write_text(text)
        (folder / "nginx.conf").write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/main.log; worker_processes 1; user root;\n"
            "events { worker_connections 512; }\n"
            # A test says with a header which address its request comes from.
            f"http {{ set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address; "
            f"{temporary} {unused} include {folder}/retally.conf; }}\n"
        )
        command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "main.log")]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.client = httpx.Client(base_url=self.address, verify=False, trust_env=False, timeout=30)
        deadline = time.monotonic() + 30
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((folder / "main.log").read_text())

    def connect(self) -> ssl.SSLSocket:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 60))

    def stop(self) -> None:
        self.client.close()
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture(scope="module")
def election() -> Election:
    now = int(time.time())
    made = Election.create(
        contests=(MAYOR,),
        districts=(district("north"),),
        guardian_count=(1, 1),
        voters={"north": 3},
        opens=now - 5,
        closes=now + 3600,
    )
    made.ceremony()
    made.roll()
    made.open()
    return made


@pytest.fixture(scope="module")
def proxied(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxied]:
    if NGINX is None:
        pytest.skip("nginx is missing (Debian: apt-get install nginx-light)")
    folder = tmp_path_factory.mktemp("deploy")
    data = folder / "data"
    write_board_key(data)
    passphrase = folder / "passphrase"
    passphrase.write_text("\n")
    with running_server(ServerFolder(data, passphrase), folder / "server.log") as server:
        nginx = Proxied(folder, data, server)
        yield nginx
        nginx.stop()


def test_an_election_is_held_and_verified_through_the_proxy(proxied: Proxied, election: Election) -> None:
    assert proxied.client.post("/elections", content=election.entries[0]).status_code == 201
    for raw in election.entries[1:]:
        assert proxied.client.post(f"/elections/{SLUG}/entries", content=raw).status_code == 201
    ballot = election.ballot(next(iter(election.voters)), [[1, 0, 0]])
    assert proxied.client.post(f"/elections/{SLUG}/ballots", content=ballot).status_code == 201
    transport = httpx.HTTPTransport(verify=False)
    board = HttpBoard(f"{proxied.address}/elections/{SLUG}", transport)
    report = verify_board(board, election.policy())
    states = {check.number: check.state for check in report.checks}
    assert states["V01"] == states["V02"] == "pass", states
    assert report.verdict == "INCOMPLETE"
    assert report.record is not None
    assert report.record.state.ballots.accepted == 1


def test_tiles_and_checkpoints_come_from_the_disk_with_the_headers_that_the_server_gives(proxied: Proxied) -> None:
    server = proxied.folder / "retally.conf"
    address = re.findall(r"server (127\.0\.0\.1:\d+)", server.read_text())[0]
    size = int(proxied.client.get(f"/elections/{SLUG}/checkpoint").text.split("\n")[1])
    for path in ("checkpoint", f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
        ours = proxied.client.get(f"/elections/{SLUG}/{path}")
        theirs = httpx.get(f"http://{address}/elections/{SLUG}/{path}", headers={"Origin": "https://x.example"})
        assert ours.content == theirs.content
        for name in ("content-type", "cache-control", "x-content-type-options", "access-control-allow-origin"):
            assert ours.headers[name] == theirs.headers[name], (path, name)
        assert ours.headers["server"] == "nginx"
    missing = proxied.client.get(f"/elections/{SLUG}/tile/0/001")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:retally:problem:not-found")


@pytest.mark.parametrize(
    "path",
    [
        f"/elections/{SLUG}/tile/../../../keys/{SLUG}.key",
        f"/elections/{SLUG}/tile/%2e%2e/%2e%2e/%2e%2e/keys/{SLUG}.key",
        f"/elections/{SLUG}/tile/..%2f..%2f..%2fkeys%2f{SLUG}.key",
        f"/elections/../keys/{SLUG}.key",
        "/elections/..%2fkeys/checkpoint",
        "/elections/%00/checkpoint",
    ],
)
def test_no_address_leads_out_of_a_boards_folder(proxied: Proxied, path: str) -> None:
    with proxied.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while part := connection.recv(65_536):
            answer += part
    assert answer.split(b" ", 2)[1] in (b"400", b"404", b"422")
    assert b"retally-board-key" not in answer


def test_a_body_that_is_too_large_is_a_problem_and_never_reaches_the_disk(proxied: Proxied) -> None:
    answer = proxied.client.post(f"/elections/{SLUG}/ballots", content=b"x" * 70_000)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:retally:problem:body-too-large")
    proxied.client.post(f"/elections/{SLUG}/ballots", content=b"x" * 65_000)
    assert not [file for file in (proxied.folder / "client_body").rglob("*") if file.is_file()]


def test_a_request_that_never_ends_is_ended(proxied: Proxied) -> None:
    with proxied.connect() as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n")
        connection.settimeout(60)
        # Reset or closed, but not answered: the limit on headers is ten seconds.
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_a_flood_from_one_address_is_told_to_come_again(proxied: Proxied) -> None:
    def cast(_number: int) -> httpx.Response:
        return proxied.client.post(f"/elections/{SLUG}/ballots", content=b"{}")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(cast, range(1500)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert {answer.json()["type"] for answer in refused} <= {
        "urn:retally:problem:too-many-requests",
        "urn:retally:problem:too-many-ballots",
    }
    deadline = time.monotonic() + 60
    while proxied.client.get(f"/elections/{SLUG}/checkpoint").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.5)


@pytest.mark.parametrize(
    ("flooding", "same_place", "elsewhere"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:2::1"),
        ("2001:db8::a00:1", "2001:db8::1:0:0:1", "2001:db8:1::a00:1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"),
        ("192.0.2.10", "192.0.2.10", "2001:db8::c000:20a"),
    ],
)
def test_addresses_of_one_prefix_are_limited_together(
    tmp_path: Path, flooding: str, same_place: str, elsewhere: str
) -> None:
    if NGINX is None:
        pytest.skip("nginx is missing (Debian: apt-get install nginx-light)")
    nginx = Proxied(tmp_path, tmp_path / "data", f"http://127.0.0.1:{free_ports(1)[0]}")

    def cast_from(address: str) -> int:
        headers = {"X-Test-Address": address}
        return nginx.client.post(f"/elections/{SLUG}/ballots", content=b"{}", headers=headers).status_code

    try:
        with ThreadPoolExecutor(16) as pool:
            flood = list(pool.map(cast_from, [flooding] * 1200))
            assert flood.count(429) > 100
            assert list(pool.map(cast_from, [same_place] * 20)).count(429) > 10
            assert set(pool.map(cast_from, [elsewhere] * 20)) == {503}
    finally:
        nginx.stop()


def test_the_proxy_writes_no_address_down(proxied: Proxied) -> None:
    # Whatever the other tests of this file provoked: refusals, floods, broken requests.
    logs = [file for file in proxied.folder.glob("*.log") if file.name != "server.log"]
    assert {file.name for file in logs} >= {"main.log", "retally.log"}
    for file in logs:
        assert "client:" not in file.read_text(), file.name


def test_a_server_that_is_away_is_a_problem_with_retry_after(tmp_path: Path) -> None:
    if NGINX is None:
        pytest.skip("nginx is missing (Debian: apt-get install nginx-light)")
    nobody = free_ports(1)[0]
    nginx = Proxied(tmp_path, tmp_path / "data", f"http://127.0.0.1:{nobody}")
    try:
        answer = nginx.client.post(f"/elections/{SLUG}/ballots", content=b"{}")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
        assert answer.json()["type"] == "urn:retally:problem:not-ready"
    finally:
        nginx.stop()


@pytest.mark.parametrize("unit", ["retally-server", "retally-witness"])
def test_systemd_reads_the_units_and_finds_little_exposed(unit: str, tmp_path: Path) -> None:
    if SYSTEMD is None:
        pytest.skip("systemd-analyze is missing (Debian: apt-get install systemd)")
    text = (DEPLOY / "systemd" / f"{unit}.service").read_text()
    here = tmp_path / f"{unit}.service"
    here.write_text(text.replace(f"/opt/retally/.venv/bin/{unit}", "/bin/true"))
    read = subprocess.run([SYSTEMD, "verify", here], capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, "")
    judged = subprocess.run(
        [SYSTEMD, "security", "--offline=true", "--no-pager", "--threshold=20", here],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-400:]
    laxer = tmp_path / "laxer.service"
    laxer.write_text(here.read_text().replace("ProtectSystem=strict", "").replace("CapabilityBoundingSet=", "#"))
    assert subprocess.run(
        [SYSTEMD, "security", "--offline=true", "--no-pager", "--threshold=20", laxer], capture_output=True, check=False
    ).returncode
