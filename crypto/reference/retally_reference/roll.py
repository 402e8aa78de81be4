"""Pages 5.6 and 5.7: the roll of credentials, and what may change on it (V08).

Every registrar commits to its list before any is revealed, so that none can choose its parts by those of others. A
credential is the sum of all registrars' parts at its position.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from retally_reference.findings import Broken, Fault, demand
from retally_reference.group import RISTRETTO255, add_all, decode_points, encode_any
from retally_reference.statements import part_is_proved

IDENTITY = bytes(32)


@dataclass
class Credential:
    """A credential that was ever on the roll: style, whether active, and its chain's last ballot."""

    style: int
    active: bool = True
    accepted: int = 0
    previous: bytes = bytes(32)
    ciphertexts: bytes = b""


@dataclass
class Revealed:
    """What one registrar committed to, and what it has revealed since; `hasher` has taken in as much."""

    count: int
    commitment: bytes
    hasher: Any
    parts: bytearray = field(default_factory=bytearray)
    styles: list[int] = field(default_factory=list)


@dataclass
class Roll:
    """The lists of the registrars who committed, and once all are revealed the credentials, in order of position."""

    election: bytes
    registrars: int
    caps: dict[str, int]
    lists: dict[int, Revealed] = field(default_factory=dict)
    credentials: dict[bytes, Credential] = field(default_factory=dict)
    changes: Counter[str] = field(default_factory=Counter)

    @property
    def active(self) -> list[tuple[bytes, Credential]]:
        return [(name, credential) for name, credential in self.credentials.items() if credential.active]

    def may_reveal(self, registrar: int, first: int) -> bool:
        """4.6: after all commitments, in order of position without gap."""
        return len(self.lists) == self.registrars and first == len(self.lists[registrar].styles)

    def commit(self, m: dict[str, Any]) -> None:
        """A registrar's roll-commitment."""
        same = all(other.count == m["credentials"] for other in self.lists.values())
        demand("V08", same, "a commitment to another number of credentials")
        head = b"RETALLY-V01-roll" + self.election + m["registrar"].to_bytes(4, "little")
        hasher = hashlib.sha256(head + m["credentials"].to_bytes(8, "little"))
        self.lists[m["registrar"]] = Revealed(m["credentials"], m["commitment"], hasher)

    def reveal(self, m: dict[str, Any]) -> None:
        """A chunk of a registrar's list; the last one of all completes the roll."""
        own, styles = self.lists[m["registrar"]], m["styles"]
        every = b"".join(self.lists[number].commitment for number in sorted(self.lists))
        seen = hashlib.sha256(b"RETALLY-V01-roll-commitments" + self.election + every).digest()
        demand("V08", m["commitments"] == seen, "revealed to other commitments than those on this board")
        first, end = m["first"], m["first"] + len(styles)
        demand("V08", end <= own.count, "more credentials than were committed to")
        for number, other in self.lists.items():
            if number != m["registrar"]:
                there = other.styles[first:end]
                demand("V08", there == styles[: len(there)], f"registrar {number} names another style")
        # A false chunk may come again and again: what was hashed before is not hashed anew.
        hasher = own.hasher.copy()
        for p, style in enumerate(styles):
            hasher.update(m["parts"][32 * p : 32 * p + 32] + style.to_bytes(4, "little"))
        if end == own.count:
            demand("V08", hasher.digest() == own.commitment, "the roll breaks its commitment")
            others = [other for other in self.lists.values() if other is not own]
            if all(len(other.styles) == own.count for other in others):
                lists = [bytes(own.parts) + m["parts"], *(bytes(other.parts) for other in others)]
                self.credentials = _credentials(lists, own.styles + styles)
        own.hasher = hasher
        own.parts += m["parts"]
        own.styles += styles

    def revoke(self, m: dict[str, Any]) -> None:
        """The credential can no longer be voted with."""
        self._change("revocations", m["credential"]).active = False
        self.changes["revocations"] += 1

    def replace(self, m: dict[str, Any]) -> None:
        """The credential gives way to a new one of the same style."""
        old = self._change("replacements", m["credential"])
        parts = decode_points(m["parts"])
        for number, part in enumerate(parts, start=1):
            proof = m["proofs"][64 * (number - 1) : 64 * number]
            proved = part_is_proved(self.election, number, m["credential"], part, proof)
            demand("V08", proved, f"registrar {number} does not prove its part")
        name = encode_any(add_all(parts))
        fresh = name != IDENTITY and name not in self.credentials
        demand("V08", fresh, "a credential that is the identity or was on the roll")
        old.active = False
        self.credentials[name] = Credential(old.style)
        self.changes["replacements"] += 1

    def _change(self, kind: str, name: bytes) -> Credential:
        """The credential that is to go: active, never voted with, and within the cap."""
        credential = self.credentials.get(name)
        if credential is None or not credential.active:
            raise Broken(Fault("V08", "a credential that is not active on the roll"))
        demand("V08", not credential.accepted, "a credential that has voted")
        demand("V08", self.changes[kind] < self.caps[kind], f"more {kind} than the cap")
        return credential

    def open(self, m: dict[str, Any]) -> None:
        """Number and digest of the active credentials, as `opening` names them."""
        active = self.active
        demand("V08", m["credentials"] == len(active), "another number of credentials than are active")
        listed = b"".join(name + credential.style.to_bytes(4, "little") for name, credential in active)
        head = b"RETALLY-V01-opened-roll" + self.election + len(active).to_bytes(8, "little")
        demand("V08", m["roll"] == hashlib.sha256(head + listed).digest(), "another digest of the roll")


def _credentials(lists: list[bytes], styles: list[int]) -> dict[bytes, Credential]:
    """By position, the sum of all registrars' parts."""
    count = len(styles)
    columns = ([RISTRETTO255.decode(parts[32 * p : 32 * p + 32]) for parts in lists] for p in range(count))
    names = [encode_any(add_all(column)) for column in columns]
    demand("V08", IDENTITY not in names, "a credential is the identity")
    demand("V08", len(set(names)) == count, "two credentials are equal")
    return {name: Credential(style) for name, style in zip(names, styles, strict=True)}
