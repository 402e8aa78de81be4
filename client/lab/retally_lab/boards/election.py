"""Elections built in memory, with every secret at hand: what tests tamper with.

The operator is the adversary, so a tampered board has to be one that the operator could publish: `edit` signs an
altered official's entry again with the keys it was signed with, and `write_board` makes the files of page 3.1 for
any list of entries.

    election = Election.create()            two districts, two contests, six voters, 2-of-3 guardians, two registrars
    election.ceremony()
    election.roll()
    election.open()
    election.cast("north-1", [[1, 0, 0], [3, 0]])
    election.close()
    election.decrypt(1, 3)
    election.result()
    election.record().checks(election.policy(), None)

`entries` is a plain list: take things out, put things in, then go on with the next honest step. Each step reads the
board as it is, so that guardians decrypt what is there.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

from retally_crypto import credentials, guardians
from retally_crypto.ballots import FIRST
from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.manifest import Manifest
from retally_crypto.notes import COSIGNATURE_V1, format_vkey, open_signed_entry
from retally_crypto.policy import TrustPolicy
from retally_crypto.replay import Record
from retally_crypto.rules.v05_v07_ceremony import transcript_hash
from retally_crypto.rules.v08_roll import opened_digest
from retally_crypto.rules.v14_v15_counting import reconciliation
from retally_crypto.secret.credentials import prove_part
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.secret.encrypt import SealedBallot, encrypt, prove_ballot
from retally_crypto.secret.guardians import (
    commit,
    new_encryption_key,
    new_polynomial,
    seal_share,
    secret_share,
    share_for,
)
from retally_crypto.secret.sign import SigningKey
from retally_lab.boards.files import (
    CLOSES,
    GRACE,
    OPENS,
    Members,
    binary,
    body_hash,
    members_of,
    sign,
    signing_key,
    write_board,
)
from retally_lab.boards.people import Guardian, Voter

__all__ = [
    "CLOSES",
    "COUNCIL",
    "GRACE",
    "MAYOR",
    "OPENS",
    "ORIGIN",
    "Election",
    "Guardian",
    "Members",
    "Voter",
    "body_hash",
    "contest",
    "district",
    "members_of",
    "sign",
    "signing_key",
    "write_board",
]

ORIGIN = "board.example/2027"


def contest(name: str, options: int, limit: str, score: int, smallest: int, largest: int) -> Members:
    """A contest of the manifest whose options are called o1, o2, …"""
    return {
        "id": name,
        "title": f"Contest {name}",
        "options": [{"id": f"o{i}", "title": f"Option {i}"} for i in range(1, options + 1)],
        "limit": limit,
        "score": score,
        "min": smallest,
        "max": largest,
    }


def district(name: str, merge: str | None = None) -> Members:
    """A district of the manifest."""
    return {"id": name, "title": f"District {name}", "merge": merge}


MAYOR = contest("mayor", 3, "total", 1, 0, 1)
COUNCIL = contest("council", 2, "option", 3, 0, 6)


@dataclass
class Election:
    """One election with all its secrets; see the module's docstring."""

    entries: list[bytes]
    authority: SigningKey
    board: SigningKey
    registrars: list[SigningKey]
    guardians: list[Guardian]
    witnesses: list[SigningKey]
    voters: dict[str, Voter]
    _record: Record | None = None
    _replayed: list[bytes] = field(default_factory=list)

    @classmethod
    def create(
        cls,
        contests: Sequence[Members] = (MAYOR, COUNCIL),
        districts: Sequence[Members] = (district("north"), district("south")),
        styles: Mapping[str, Sequence[str]] | None = None,
        guardian_count: tuple[int, int] = (2, 3),
        registrar_count: int = 2,
        witness_count: tuple[int, int] = (0, 0),
        voters: Mapping[str, int] | None = None,
        **manifest_members: Any,
    ) -> Election:
        """An election with its manifest and nothing more.

        `guardian_count` is (k, n), `witness_count` is (q, w). `styles` gives the contests of each district's only
        style, which has the district's name; by default all contests in the first district and the first contest in
        the others. `voters` gives the number of voters of each style; they are called north-1, north-2, … Further
        arguments replace members of the manifest. Officials' keys are the same in
        every run, so equal arguments give the same election id: another election needs another title.
        """
        names = [member["id"] for member in districts]
        every = [member["id"] for member in contests]
        styles = styles or {name: every if name == names[0] else every[:1] for name in names}
        voters = voters or dict.fromkeys(styles, 3)
        threshold, guardian_total = guardian_count
        quorum, witness_total = witness_count
        authority, board = signing_key("authority"), signing_key(ORIGIN)
        registrars = [signing_key(f"registrar-{i}") for i in range(1, registrar_count + 1)]
        keys = [signing_key(f"guardian-{i}") for i in range(1, guardian_total + 1)]
        witnesses = [signing_key(f"witness-{i}", COSIGNATURE_V1) for i in range(1, witness_total + 1)]
        manifest: Members = {
            "kind": "manifest",
            "version": "RETALLY-V01",
            "title": "An election for tests",
            "notice": None,
            "authority": format_vkey(authority.verifier_key),
            "board": format_vkey(board.verifier_key),
            "registrars": [format_vkey(key.verifier_key) for key in registrars],
            "guardians": {"keys": [format_vkey(key.verifier_key) for key in keys], "threshold": threshold},
            "witnesses": {"keys": [format_vkey(key.verifier_key) for key in witnesses], "quorum": quorum},
            "opens": OPENS,
            "closes": CLOSES,
            "grace": GRACE,
            "contests": list(contests),
            "districts": list(districts),
            "styles": [{"id": name, "district": name, "contests": list(named)} for name, named in styles.items()],
            "smallest_unit": 0,
            "caps": {"revocations": 1, "replacements": 1},
            "client": {"origins": [], "bundle": None},
            **manifest_members,
        }
        people = {
            f"{style}-{i}": Voter(f"{style}-{i}", style, [secrets.token_bytes(15) for _ in registrars])
            for style, count in voters.items()
            for i in range(1, count + 1)
        }
        election = cls(
            [sign(manifest, [authority])],
            authority,
            board,
            registrars,
            [Guardian(i, key, new_polynomial(threshold), *new_encryption_key()) for i, key in enumerate(keys, start=1)],
            witnesses,
            people,
        )
        for voter in people.values():
            voter.derive(election.election_id)
        return election

    def copy(self) -> Election:
        """The same election and secrets with a list of entries of its own."""
        voters = {name: replace(voter) for name, voter in self.voters.items()}
        return replace(self, entries=list(self.entries), voters=voters, _record=None, _replayed=[])

    def before(self, kind: str) -> Election:
        """A copy whose board ends before the first entry of `kind`."""
        short = self.copy()
        del short.entries[short.index_of(kind) :]
        return short

    # ---- reading ----

    @property
    def election_id(self) -> bytes:
        return sha256(self.entries[0]).digest()

    @property
    def manifest(self) -> Manifest:
        return self.record().manifest

    def index_of(self, kind: str, nth: int = 0) -> int:
        """The index of the nth entry of `kind`, counted from 0."""
        return self.indices_of(kind)[nth]

    def indices_of(self, kind: str) -> list[int]:
        """The indices of all entries of `kind`, as far as entries can be read."""
        quoted = json.dumps({"kind": kind}, separators=(",", ":")).encode()[1:-1]
        return [i for i, raw in enumerate(self.entries) if quoted in raw.split(b"\n", 1)[0]]

    def record(self) -> Record:
        """The record of the entries as they are now; what was replayed before is not replayed again."""
        if self._record is None or self.entries[: len(self._replayed)] != self._replayed:
            self._record = Record(self.entries[0])
            self._replayed = self.entries[:1]
        self._record.replay(self.entries[len(self._replayed) :])
        self._replayed = list(self.entries)
        return self._record

    def policy(self) -> TrustPolicy:
        """The policy that trusts exactly this manifest and these keys, whatever rule the manifest breaks."""
        quorum = members_of(self.entries[0])["witnesses"]["quorum"]
        witnesses = tuple(witness.verifier_key for witness in self.witnesses)
        return TrustPolicy(self.election_id, self.board.verifier_key, witnesses, quorum)

    def files(self) -> dict[str, bytes]:
        """The board's files as they stand, signed by the board and cosigned by all witnesses in time."""
        return write_board(self.entries, self.board, self.witnesses)

    # ---- writing ----

    def append(self, raw: bytes) -> int:
        """Put an entry at the end; returns its index."""
        self.entries.append(raw)
        return len(self.entries) - 1

    def official(self, kind: str, signers: Sequence[SigningKey], **members: Any) -> bytes:
        """An official's entry of this election; byte strings become base64url. It is not appended."""
        return sign({"kind": kind, "election": self.election_id, **members}, signers)

    def edit(self, index: int, **members: Any) -> None:
        """Replace members of an entry in place. An official's entry is signed again by those who signed it."""
        raw = self.entries[index]
        changed = {**members_of(raw), **binary(members)}
        if b"\n" not in raw:
            self.entries[index] = canonical_bytes(changed)
        else:
            self.entries[index] = sign(changed, self.signers_of(raw))

    def signers_of(self, raw: bytes) -> list[SigningKey]:
        """The keys that signed an official's entry, in the order of its signature lines."""
        everyone = [self.authority, self.board, *self.registrars, *(guardian.key for guardian in self.guardians)]
        by_name = {key.verifier_key.name: key for key in everyone}
        return [by_name[line.name] for line in open_signed_entry(raw).signatures]

    # ---- ceremony ----

    def ceremony(self) -> None:
        """The whole ceremony without complaints."""
        for guardian in self.guardians:
            self.commit(guardian.number)
        for guardian in self.guardians:
            self.share(guardian.number)
        for guardian in self.guardians:
            self.confirm(guardian.number)

    def commit(self, number: int) -> int:
        guardian = self.guardians[number - 1]
        commitments, proof = commit(guardian.polynomial, self.election_id, number)
        members = {"commitments": commitments, "proof": proof, "encryption_key": guardian.encryption_key}
        return self.append(self.official("guardian-commitment", [guardian.key], guardian=number, **members))

    def share(self, number: int, wrong: Mapping[int, bytes] | None = None) -> int:
        """Seal this guardian's shares; `wrong` replaces the share of a recipient."""
        guardian, hashes = self.guardians[number - 1], self.record().ceremony.commitment_entry_hashes
        sealed = []
        for other in self.guardians:
            if other.number != number:
                value = (wrong or {}).get(other.number, share_for(guardian.polynomial, other.number))
                context = (self.election_id, number, other.number, hashes[number], hashes[other.number])
                ciphertext = seal_share(value, other.encryption_key, *context)
                sealed.append({"guardian": other.number, "ciphertext": ciphertext})
        return self.append(self.official("guardian-shares", [guardian.key], guardian=number, shares=sealed))

    def complain(self, number: int, against: int) -> int:
        key = self.guardians[number - 1].key
        return self.append(self.official("guardian-complaint", [key], guardian=number, against=against))

    def answer(self, number: int, complainant: int, share: bytes | None = None) -> int:
        """The accused `number` publishes its share for `complainant`, or whatever `share` is given."""
        guardian = self.guardians[number - 1]
        value = share or share_for(guardian.polynomial, complainant)
        members = {"guardian": number, "complainant": complainant, "share": value}
        return self.append(self.official("guardian-answer", [guardian.key], **members))

    def confirm(self, number: int) -> int:
        seen = transcript_hash(self.record().state)
        key = self.guardians[number - 1].key
        return self.append(self.official("guardian-confirmation", [key], guardian=number, ceremony=seen))

    # ---- roll ----

    def roll(self, chunk: int = 1000) -> None:
        """All registrars commit to the roll, then reveal it in chunks."""
        styles, committed = self._styles(self.voters.values()), []
        for number, key in enumerate(self.registrars, start=1):
            parts = b"".join(voter.parts[number - 1] for voter in self.voters.values())
            commitment = credentials.roll_commitment(self.election_id, number, parts, styles)
            members = {"registrar": number, "credentials": len(styles), "commitment": commitment}
            self.append(self.official("roll-commitment", [key], **members))
            committed.append(commitment)
        seen = credentials.roll_commitments_digest(self.election_id, committed)
        for number, key in enumerate(self.registrars, start=1):
            parts = b"".join(voter.parts[number - 1] for voter in self.voters.values())
            for first in range(0, len(styles), chunk):
                own, named = parts[32 * first : 32 * (first + chunk)], styles[first : first + chunk]
                members = {"registrar": number, "first": first, "parts": own, "styles": named, "commitments": seen}
                self.append(self.official("roll", [key], **members))

    def revoke(self, name: str) -> int:
        members = {"credential": self.voters[name].credential, "reason": "moved away"}
        return self.append(self.official("roll-revocation", self.registrars, **members))

    def replace(self, name: str) -> int:
        """Give a voter new codes; the voter's secrets change with it."""
        old = self.voters[name].credential
        voter = Voter(name, self.voters[name].style, [secrets.token_bytes(15) for _ in self.registrars])
        voter.derive(self.election_id)
        numbered = enumerate(voter.secrets, start=1)
        proofs = [prove_part(secret, self.election_id, number, old) for number, secret in numbered]
        self.voters = {**self.voters, name: voter}
        members = {
            "credential": old,
            "parts": b"".join(voter.parts),
            "proofs": b"".join(proofs),
            "reason": "lost codes",
        }
        return self.append(self.official("roll-replacement", self.registrars, **members))

    def _styles(self, voters: Iterable[Voter]) -> list[int]:
        order = [style["id"] for style in members_of(self.entries[0])["styles"]]
        return [order.index(voter.style) for voter in voters]

    # ---- voting ----

    def open(self) -> int:
        record = self.record()
        commitments = [record.ceremony.commitments[guardian.number].commitments for guardian in self.guardians]
        members = {"key": guardians.joint_key(commitments), "credentials": record.roll.active}
        return self.append(self.official("opening", [self.authority], roll=opened_digest(record.state), **members))

    def seal(self, name: str, choices: Sequence[Sequence[int]], previous: bytes | None = None) -> SealedBallot:
        """Encrypt a voter's choices after the ballot of hers that stands last on the board."""
        voter, key = self.voters[name], b64url_decode(members_of(self.entries[self.index_of("opening")])["key"])
        before = self.last_ballot(name) if previous is None else previous
        style = self._styles([voter])[0]
        manifest = self.manifest if self._record is None else self._record.manifest
        seed = secrets.token_bytes(32)
        return encrypt(manifest, self.election_id, key, style, voter.credential, before, choices, seed)

    def ballot(self, name: str, choices: Sequence[Sequence[int]], previous: bytes | None = None) -> bytes:
        """A proved ballot entry, not appended."""
        return prove_ballot(self.seal(name, choices, previous), self.voters[name].secret)

    def cast(self, name: str, choices: Sequence[Sequence[int]], previous: bytes | None = None) -> int:
        return self.append(self.ballot(name, choices, previous))

    def last_ballot(self, name: str) -> bytes:
        """H(body) of the last ballot on the board under a voter's credential, or zero."""
        wanted = b64url_encode(self.voters[name].credential)
        mine = [i for i in self.indices_of("ballot") if members_of(self.entries[i])["credential"] == wanted]
        return body_hash(self.entries[mine[-1]]) if mine else FIRST

    def close(self) -> int:
        ballots = sum(b"\n" not in raw for raw in self.entries)
        return self.append(self.official("closing", [self.authority], ballots=ballots))

    # ---- tally ----

    def paper(self, district_id: str, contest_id: str, votes: Sequence[int], late: bool = False) -> int:
        """A paper count of one station."""
        stations = [{"id": "station-1", "invalid": 0, "votes": list(votes)}]
        members = {"district": district_id, "contest": contest_id, "stations": stations, "late": late}
        return self.append(self.official("paper-count", [self.authority], **members))

    def secret_share(self, number: int) -> bytes:
        """s_j, from every guardian's polynomial."""
        received = {other.number: share_for(other.polynomial, number) for other in self.guardians}
        own = self.guardians[number - 1].polynomial
        del received[number]
        return secret_share(own, number, received)

    def decrypt(self, *numbers: int) -> None:
        """The guardians decrypt what the board as it is adds up to, whatever is wrong with it."""
        for number in numbers:
            self.append(self.partial_decryption(number))

    def partial_decryption(self, number: int, share: bytes | None = None) -> bytes:
        """A guardian's partial decryption, with its own share or the one given; not appended."""
        record = self.record()
        aggregates, digest = record.aggregates()
        share = share or self.secret_share(number)
        head = (record.size, record.root)
        points, proof = partial_decrypt(share, aggregates, self.election_id, number, *head)
        members = {
            "guardian": number,
            "size": record.size,
            "root": record.root,
            "units": [list(unit.districts) for unit in record.reported_units()],
            "aggregates": digest,
            "points": points,
            "proof": proof,
        }
        return self.official("partial-decryption", [self.guardians[number - 1].key], **members)

    def result(self) -> int:
        """The result as it follows from the board."""
        record = self.record()
        outcome = record.outcome()
        if outcome is None or outcome.counts is None:
            raise ValueError("the board has no counts yet")
        numbers = reconciliation(record.state)
        units = [
            {
                "districts": list(unit.unit.districts),
                "state": unit.unit.state,
                "counted": unit.unit.counted,
                "contests": [{"contest": one.contest, "counts": list(one.counts)} for one in unit.contests],
            }
            for unit in outcome.counts
        ]
        names = ("credentials", "voted", "accepted", "superseded", "counted", "refused")
        members = {name: getattr(numbers, name) for name in names}
        members_raw = self.official("result", [self.authority], units=units, combined=outcome.combined, **members)
        return self.append(members_raw)
