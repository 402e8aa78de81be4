"""Officials are known by the keys of their manifest and by nothing else: no kind of entry can be written by another's
key, by nobody, by too many, or with a signature that was made for another election."""

from __future__ import annotations

from pathlib import Path

import pytest

from retally_crypto.errors import Malformed
from retally_crypto.secret.sign import SigningKey, sign_note
from retally_lab.boards.election import CLOSES, MAYOR, OPENS, Election, district, members_of, signing_key
from tests.server_http import HERE, Server


def whole_election(title: str = "An election for tests") -> Election:
    """An election with every kind of official entry on its board."""
    election = Election.create(
        contests=(MAYOR,), districts=(district("north"),), guardian_count=(2, 3), voters={"north": 6}, title=title
    )
    for number in (1, 2, 3):
        election.commit(number)
    for number in (1, 2, 3):
        election.share(number)
    election.complain(2, 1)
    election.answer(1, 2)
    for number in (1, 2, 3):
        election.confirm(number)
    election.roll()
    election.open()
    election.revoke("north-5")
    election.replace("north-6")
    for name in ("north-1", "north-2", "north-3"):
        election.cast(name, [[1, 0, 0]])
    election.close()
    election.paper("north", "mayor", [1, 2, 3])
    election.decrypt(1, 3)
    election.result()
    return election


def forgeries(election: Election, index: int) -> dict[str, bytes]:
    """Every way of signing an entry's text but the right one."""
    raw = election.entries[index]
    text = raw.partition(b"\n\n")[0] + b"\n"
    right = election.signers_of(raw)
    everyone = [election.authority, election.board, *election.registrars, *(g.key for g in election.guardians)]
    others = [key for key in everyone if key not in right]
    renamed = [SigningKey.from_seed(right[0].verifier_key.name, bytes(32))]
    made: dict[str, list[SigningKey]] = {f"signed by {key.verifier_key.name}": [key] for key in others}
    made |= {f"signed by {key.verifier_key.name} as well": [*right, key] for key in others}
    made |= {"a stranger": [signing_key("stranger")], "a stranger of the same name": renamed}
    if len(right) > 1:
        made |= {"one signature is missing": right[:-1], "in another order": right[::-1]}
    signed = {}
    for what, keys in made.items():
        try:
            signed[what] = sign_note(text, keys)
        except Malformed:
            continue
    return {**signed, "unsigned": text, "an empty signature block": text + b"\n"}


def kinds(election: Election) -> dict[str, int]:
    """The first entry of each kind that an official writes after the manifest."""
    first: dict[str, int] = {}
    for index, raw in enumerate(election.entries):
        if index and b"\n" in raw:
            first.setdefault(str(members_of(raw)["kind"]), index)
    return first


def test_no_kind_of_entry_is_taken_from_another_role(tmp_path: Path) -> None:
    election = whole_election()
    other = whole_election(title="Another election with the same officials")
    wanted, elsewhere = kinds(election), kinds(other)
    assert len(wanted) == 14, sorted(wanted)
    server = Server(tmp_path, address_rate=0)
    closing = wanted["closing"]
    server.http.post("/elections", content=election.entries[0])
    tried = 0
    for index, raw in enumerate(election.entries[1:], start=1):
        server.now = CLOSES if index >= closing else OPENS + 10
        kind = str(members_of(raw)["kind"])
        if wanted.get(kind) == index:
            attempts = forgeries(election, index)
            attempts["made for another election"] = other.entries[elsewhere[kind]]
            for what, forged in attempts.items():
                answer = server.http.post(f"{HERE}/entries", content=forged)
                assert answer.status_code in (400, 409, 422), (kind, what, answer.text)
                assert answer.json()["check"] in ("V04", "V09"), (kind, what, answer.text)
                tried += 1
            shown = server.http.get(HERE)
            assert shown.status_code == 200, (kind, index, shown.text)
            assert shown.json()["size"] == index, kind
        (answer,) = server.append([raw])
        assert answer.status_code == 201, (kind, answer.text)
    assert tried > 14 * 10
    server.http.stop()


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Basic YXV0aG9yaXR5OmF1dGhvcml0eQ=="},
        {"Authorization": "Bearer authority"},
        {"Cookie": "session=authority"},
        {"X-Forwarded-User": "authority"},
    ],
)
def test_a_password_a_token_or_a_cookie_is_nothing_here(tmp_path: Path, headers: dict[str, str]) -> None:
    election = whole_election()
    server = Server(tmp_path, address_rate=0)
    server.http.post("/elections", content=election.entries[0])
    text = election.entries[1].partition(b"\n\n")[0] + b"\n"
    with_header = server.http.post(f"{HERE}/entries", content=text + b"\n", headers=headers)
    without = server.http.post(f"{HERE}/entries", content=text + b"\n")
    assert with_header.json() == without.json()
    assert with_header.status_code == 400
    assert "set-cookie" not in with_header.headers
    assert "www-authenticate" not in with_header.headers
    server.http.stop()
