"""V21 asks addresses that a manifest names: no stranger's manifest reaches into the auditor's network by them."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

import httpx
import pytest

from retally_crypto.web_bundle import bundle_digest
from retally_lab.boards.election import Election, contest, district
from retally_lab.boards.places import MemoryBoard
from retally_verify.addresses import addresses_of, is_public, same_place
from retally_verify.fetching import Fetcher
from retally_verify.files import Unreachable
from retally_verify.report import Report
from retally_verify.run import verify_board
from retally_verify.web_bundle import NotAsked, look_at_web, open_beside
from tests.web_bundles import FILES, bundle, listing, static_host

BOARD = "https://board.example/elections/2027"
PUBLIC = "93.184.216.34"


def resolving(monkeypatch: pytest.MonkeyPatch, names: Mapping[str, list[str]]) -> list[str]:
    """From now on these names have these addresses, and no other name has any; what was asked for is in the list."""
    asked: list[str] = []

    def getaddrinfo(host: str | bytes, port: Any, *_rest: Any, **_named: Any) -> list[tuple[Any, ...]]:
        name = host if isinstance(host, str) else host.decode()
        asked.append(name)
        if name not in names:
            raise socket.gaierror(-2, "unknown")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in names[name]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


@pytest.mark.parametrize("address", [PUBLIC, "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_an_address_of_the_public_internet(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "10.0.0.5", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.100.100.200"),
        *("0.0.0.0", "224.0.0.1", "255.255.255.255", "240.0.0.1", "198.18.0.1", "192.0.2.1"),
        *("::", "::1", "fe80::1", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.5", "::ffff:0.0.0.0", "::7f00:1"),
        *("64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:5ef5:79fd::1"),
    ],
)
def test_an_address_that_is_nearer_than_the_public_internet(address: str) -> None:
    assert not is_public(ip_address(address))


def test_the_same_place_in_two_ways_to_write_it() -> None:
    assert same_place(ip_address("127.0.0.1"), ip_address("::1"))
    assert same_place(ip_address("::ffff:10.0.0.5"), ip_address("10.0.0.5"))
    assert not same_place(ip_address("10.0.0.5"), ip_address("10.0.0.6"))


def test_a_number_and_a_name_card_are_addresses_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert addresses_of("2130706433") == (ip_address("127.0.0.1"),)
    resolving(monkeypatch, {"near.example": ["fe80::1%eth0", "fe80::1%eth0"]})
    assert addresses_of("near.example") == (ip_address("fe80::1"),)


@pytest.mark.parametrize("host", ["nowhere.example", "a" * 70 + ".example"])
def test_a_name_without_an_address_was_not_read(host: str) -> None:
    with pytest.raises(Unreachable, match="has no address"):
        addresses_of(host)


@pytest.mark.parametrize(
    "found", [["10.0.0.5"], [PUBLIC, "10.0.0.5"], ["169.254.169.254"], ["::ffff:192.168.0.1"], ["127.0.0.1"]]
)
def test_a_named_origin_within_the_auditors_network_is_not_asked(
    found: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    resolving(monkeypatch, {"board.example": [PUBLIC], "intern.example": found})
    with pytest.raises(NotAsked, match=r"https://intern.example was not asked: .* --web https://intern.example"):
        open_beside(BOARD)("https://intern.example")


def test_a_named_origin_is_asked_on_the_public_internet_or_where_the_board_is(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"board.example": ["192.168.0.7"], "vote.example": [PUBLIC], "beside.example": ["192.168.0.7"]}
    resolving(monkeypatch, names)
    open_named = open_beside(BOARD)
    open_named("https://vote.example")
    open_named("https://beside.example")


def report_of(origins: list[str]) -> Report:
    client = {"origins": origins, "bundle": bundle_digest(listing(FILES))}
    mayor = contest("mayor", 2, "total", 1, 0, 1)
    election = Election.create(contests=(mayor,), districts=(district("north"),), guardian_count=(1, 1), client=client)
    return verify_board(MemoryBoard(election.files()), election.policy())


def test_a_program_on_the_auditors_machine_hears_nothing_of_a_board_elsewhere() -> None:
    with static_host() as host:
        host.files.update(bundle())
        report = look_at_web(
            report_of([host.origin]), [host.origin], (), open_beside(f"https://{PUBLIC}/elections/2027")
        )
        assert host.asked == []
        assert report.state_of("V21") == "incomplete"
        assert report.notes_of("V21")[0].startswith(f"{host.origin} was not asked: its address 127.0.0.1 is not on")
        told = look_at_web(report, [host.origin], [host.origin], open_beside(f"https://{PUBLIC}/elections/2027"))
        assert told.state_of("V21") == "pass"


def test_a_name_that_answers_otherwise_the_next_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with static_host() as host:
        host.files.update(bundle())
        port = host.origin.rpartition(":")[2]
        asked = resolving(monkeypatch, {"127.0.0.1": ["127.0.0.1"]})
        fetcher = Fetcher(f"http://vote.example:{port}", pinned=[ip_address("127.0.0.1")])
        assert fetcher.fetch("index.html", 10_000) == FILES["index.html"]
        assert "vote.example" not in asked


def test_the_certificate_is_asked_for_under_the_name_and_every_address_is_tried() -> None:
    asked: list[tuple[str, str, str]] = []

    def handler(request: httpx.Request) -> httpx.Response:
        asked.append((request.url.host, request.headers["host"], request.extensions["sni_hostname"]))
        if request.url.host == "2606:4700::1":
            raise httpx.ConnectError("no way there")
        return httpx.Response(200, content=iter([b"here"]))

    pinned = [ip_address("2606:4700::1"), ip_address(PUBLIC)]
    fetcher = Fetcher("https://vote.example:8443", httpx.MockTransport(handler), pinned)
    assert fetcher.fetch("index.html", 100) == b"here"
    assert asked == [(host, "vote.example:8443", "vote.example") for host in ("2606:4700::1", PUBLIC)]
