"""Bytes that were made to hurt: each is refused with a reason, costs no proof, and disturbs nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_encode
from retally_crypto.engine import engine, load_engine
from retally_lab.boards.election import MAYOR, OPENS, Election, district, members_of, sign
from tests.server_http import HERE, SLUG, Server


@pytest.fixture
def election() -> Election:
    made = Election.create(contests=(MAYOR,), districts=(district("north"), district("south")), guardian_count=(1, 1))
    made.ceremony()
    made.roll()
    made.open()
    return made


@pytest.fixture
def server(tmp_path: Path, election: Election) -> Iterator[Server]:
    here = Server(tmp_path, address_rate=0)
    assert here.http.post("/elections", content=election.entries[0]).status_code == 201
    for response in here.append(election.entries[1:]):
        assert response.status_code == 201
    yield here
    here.http.stop()


@pytest.fixture
def proofs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many proofs each batch verification looked at."""
    seen: list[int] = []
    original = engine.verify_batch

    def counted(header: bytes, shared: bytes, elements: bytes, tags: bytes, proofs: bytes, count: int) -> Any:
        seen.append(count)
        return original(header, shared, elements, tags, proofs, count)

    monkeypatch.setattr(load_engine(engine.NAME), "verify_batch", counted)
    return seen


def changed(raw: bytes, **members: Any) -> bytes:
    return canonical_bytes({**members_of(raw), **members})


def test_what_is_cheap_to_refuse_is_refused_before_any_proof_is_looked_at(
    server: Server, election: Election, proofs: list[int]
) -> None:
    ballot = election.ballot("north-1", [[1, 0, 0]])
    members = members_of(ballot)
    unknown = b64url_encode(bytes([1]) * 32)
    cheap = {
        "not JSON": ballot[:-1],
        "another order of members": b"{" + b",".join(reversed(ballot[1:-1].split(b","))) + b"}",
        "an unknown member": changed(ballot, extra=1),
        "another election": changed(ballot, election=unknown),
        "a credential that is not on the roll": changed(ballot, credential=unknown),
        "another style": changed(ballot, style="south"),
        "a style that is none": changed(ballot, style="west"),
        "a proof of another length": changed(ballot, proof=members["proof"][:-4]),
        "no proof": changed(ballot, proof=""),
        "ciphertexts of another length": changed(ballot, ciphertexts=members["ciphertexts"][:-4]),
        "ciphertexts that are no points": changed(ballot, ciphertexts=b64url_encode(b"\xff" * 64 * 4)),
    }
    for what, raw in cheap.items():
        answer = server.http.post(f"{HERE}/ballots", content=raw)
        assert 400 <= answer.status_code < 500, (what, answer.text)
        assert sum(proofs) <= (1 if "points" in what else 0), what
    server.now = OPENS - 10_000
    assert server.http.post(f"{HERE}/ballots", content=ballot).status_code == 409
    server.now = OPENS + 10
    proofs.clear()
    assert server.http.post(f"{HERE}/ballots", content=ballot).status_code == 201
    assert proofs == [1]
    assert server.http.post(f"{HERE}/ballots", content=ballot).status_code == 200
    assert proofs == [1]


HOSTILE = {
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 10_000,
    "closed depth": b"[" * 30_000 + b"]" * 30_000,
    "duplicate members": b'{"kind":"ballot","kind":"ballot"}',
    "a number of sixty thousand digits": b'{"kind":' + b"9" * 60_000 + b"}",
    "an exponent": b'{"kind":1e999999}',
    "NaN": b'{"kind":NaN}',
    "Infinity": b'{"kind":-Infinity}',
    "a lone surrogate": b'{"kind":"\\ud800"}',
    "an overlong encoding": b'{"kind":"\xc0\xaf"}',
    "a byte order mark": b'\xef\xbb\xbf{"kind":"ballot"}',
    "UTF-16": '{"kind":"ballot"}'.encode("utf-16"),
    "NUL": b'{"kind":"ballot\x00"}',
    "only a list": b"[]",
    "only a text": b'"ballot"',
    "a comment": b'{"kind":"ballot"}/**/',
    "trailing data": b'{"kind":"ballot"}{}',
    "Windows lines": b'{"kind":"ballot"}\r',
    "gzip": b"\x1f\x8b\x08\x00" + bytes(600),
    "all bytes": bytes(range(256)).replace(b"\n", b""),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_bytes_are_malformed_wherever_they_are_sent(
    server: Server, election: Election, proofs: list[int], what: str
) -> None:
    raw = HOSTILE[what]
    for address, content in (
        (f"{HERE}/ballots", raw),
        (f"{HERE}/entries", raw + b"\n\n\xe2\x80\x94 authority AAAAAAAA\n"),
        ("/elections", raw + b"\n\n\xe2\x80\x94 authority AAAAAAAA\n"),
    ):
        answer = server.http.post(address, content=content)
        assert answer.status_code == 400, (address, answer.text)
        said = answer.json()
        assert said["check"] in ("V09", None)
        assert len(answer.content) < 1_000
    assert proofs == []
    assert server.http.post(f"{HERE}/ballots", content=election.ballot("north-2", [[0, 1, 0]])).status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "\u202eevil",
        "bell\x07",
        "\x1b[31mred",
        "line\u2028separator",
        "\ufeffmark",
        "half\u0000",
        "a\nb",
        "isolate\u2066",
    ],
)
def test_names_that_turn_text_around_or_speak_to_terminals_are_refused(tmp_path: Path, name: str) -> None:
    for title, options in ((name, None), ("A title", [{"id": "a", "title": name}, {"id": "b", "title": "B"}])):
        contest = {**MAYOR, "options": options} if options else MAYOR
        election = Election.create(contests=(contest,), districts=(district("north"),), title=title)
        server = Server(tmp_path / f"{title == name}", address_rate=0)
        answer = server.http.post("/elections", content=election.entries[0])
        assert (answer.status_code, answer.json()["check"]) in ((400, "V09"), (422, "V03")), answer.text
        assert name not in answer.text
        server.http.stop()


@pytest.mark.parametrize("name", ["cafe\u0301", "zero\u200bwidth", "soft\u00adhyphen"])
def test_names_that_only_look_alike_are_the_authoritys_own_affair_and_stay_as_they_were_signed(
    tmp_path: Path, name: str
) -> None:
    # Some scripts need such characters; docs/limits.md says so. Nothing normalises what was signed.
    election = Election.create(contests=(MAYOR,), districts=(district("north"),), title=name)
    server = Server(tmp_path)
    assert server.http.post("/elections", content=election.entries[0]).status_code == 201
    assert server.http.get(HERE).json()["title"] == name
    server.http.stop()


def test_a_slug_or_a_code_in_an_address_never_reaches_a_header(server: Server) -> None:
    for text in ("x%0d%0aSet-Cookie: a=b", "2027%0aX: y", "2027\u2028", "%F0%9F%92%A9"):
        for address in (f"/elections/{text}", f"/elections/{text}/checkpoint", f"{HERE}/tracking/{text}"):
            answer = server.http.get(address)
            assert answer.status_code in (400, 404)
            assert "set-cookie" not in answer.headers
            assert "x" not in answer.headers


def test_an_entry_signed_rightly_with_a_newline_trick_is_refused(server: Server, election: Election) -> None:
    members = members_of(election.entries[1])
    raw = sign(members, election.signers_of(election.entries[1]))
    for trick in (raw.replace(b"\n\n", b"\n\n\n", 1), raw.replace(b"\n\n", b"\r\n\r\n", 1), raw + b"\n", b"\n" + raw):
        answer = server.http.post(f"{HERE}/entries", content=trick)
        assert answer.status_code in (400, 409), answer.text
    assert server.http.get(f"/elections/{SLUG}").json()["size"] == len(election.entries)
