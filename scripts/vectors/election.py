"""An election of which every byte is fixed: the lab's `Election` with its randomness drawn from labels.

Also ballots that no honest device would make: any bits, any nonces, any challenge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from retally_crypto.ballots import FIRST
from retally_crypto.canonical import canonical_bytes
from retally_crypto.encoding import b64url_decode
from retally_crypto.engine import engine
from retally_crypto.entry_writing import ballot_entry
from retally_crypto.guardians import GUARDIAN_COMMITMENT
from retally_crypto.manifest import layout
from retally_crypto.relations import compile_relation, tag
from retally_crypto.secret.encrypt import SealedBallot, encrypt
from retally_crypto.secret.guardians import Polynomial, open_share, share_for
from retally_crypto.tally import PARTIAL_DECRYPTION, Aggregates
from retally_lab.boards.election import Election
from retally_lab.boards.files import binary, members_of, sign
from retally_lab.boards.people import Guardian, Voter
from scripts.vectors.fixed import (
    ORDER,
    Transcript,
    drawn,
    encryption_key,
    le,
    proved,
    records,
    scalar,
    seal,
    transcript,
)


@dataclass
class FixedElection(Election):
    """Equal arguments give equal bytes, with either engine. `label` keeps the secrets of two elections apart."""

    label: str = ""

    def commit(self, number: int) -> int:
        at = super().commit(number)
        self.edit(at, proof=commitment_transcript(self, number).proof)
        return at

    def share(self, number: int, wrong: Mapping[int, bytes] | None = None) -> int:
        at = super().share(number, wrong)
        sealed = []
        for recipient in (other.number for other in self.guardians if other.number != number):
            made = sealed_share(self, number, recipient, (wrong or {}).get(recipient))
            sealed.append({"guardian": recipient, "ciphertext": made["ciphertext"]})
        self.edit(at, shares=binary(sealed))
        return at

    def seal(self, name: str, choices: Sequence[Sequence[int]], previous: bytes | None = None) -> SealedBallot:
        voter = self.voters[name]
        before = self.last_ballot(name) if previous is None else previous
        seed = drawn(f"{self.label} seed {name} {before.hex()} {choices}", 32)
        style = self.style_index(voter.style)
        return encrypt(self.manifest, self.election_id, self.key, style, voter.credential, before, choices, seed)

    def ballot(self, name: str, choices: Sequence[Sequence[int]], previous: bytes | None = None) -> bytes:
        sealed = self.seal(name, choices, previous)
        return ballot_entry(sealed.body, ballot_transcript(sealed, self.voters[name].secret).proof)

    def partial_decryption(self, number: int, share: bytes | None = None) -> bytes:
        raw = super().partial_decryption(number, share)
        secret = share or self.secret_share(number)
        made = decryption_transcript(self.record().aggregates()[0], self.election_id, members_of(raw), secret)
        return sign({**members_of(raw), "proof": made.proof}, [self.guardians[number - 1].key])

    @property
    def key(self) -> bytes:
        """K, as `opening` says it."""
        return b64url_decode(members_of(self.entries[self.index_of("opening")])["key"])

    def style_index(self, style: str) -> int:
        return self._styles([Voter("", style, [])])[0]


def fixed_election(label: str, voters: Mapping[str, int], **arguments: Any) -> FixedElection:
    """An election with its manifest and nothing more; `arguments` as those of `Election.create`."""
    made = Election.create(voters=voters, **arguments)
    people = {
        name: Voter(name, voter.style, [drawn(f"{label} code {name} {i}", 15) for i in range(1, len(voter.codes) + 1)])
        for name, voter in made.voters.items()
    }
    for voter in people.values():
        voter.derive(made.election_id)
    guardians = [
        Guardian(one.number, one.key, _polynomial(label, one), private, encryption_key(private))
        for one in made.guardians
        for private in [drawn(f"{label} encryption key {one.number}", 32)]
    ]
    return FixedElection(
        made.entries, made.authority, made.board, made.registrars, guardians, made.witnesses, people, label=label
    )


def _polynomial(label: str, guardian: Guardian) -> Polynomial:
    degrees = range(guardian.polynomial.threshold)
    return Polynomial(tuple(scalar(f"{label} coefficient {guardian.number} {j}") for j in degrees))


def commitment_transcript(election: Election, number: int) -> Transcript:
    """The proof of 5.1."""
    witness = b"".join(election.guardians[number - 1].polynomial.coefficients)
    template = compile_relation(GUARDIAN_COMMITMENT, k=len(witness) // 32)
    proof_tag = tag(template.name, election.election_id, le(number, 4))
    return proved(template.header, engine.multiply_base(witness), proof_tag, witness)


def sealed_share(election: FixedElection, sender: int, recipient: int, value: bytes | None = None) -> dict[str, Any]:
    """One share of 5.2 with what it was sealed from."""
    share = value or share_for(election.guardians[sender - 1].polynomial, recipient)
    hashes = election.record().ceremony.commitment_entry_hashes
    numbers = le(sender, 4) + le(recipient, 4)
    info = b"RETALLY-V01-share" + election.election_id + numbers + hashes[sender] + hashes[recipient]
    other = election.guardians[recipient - 1]
    ephemeral = drawn(f"{election.label} ephemeral key {sender} {recipient}", 32)
    ciphertext = seal(share, other.encryption_key, info, ephemeral)
    context = (election.election_id, sender, recipient, hashes[sender], hashes[recipient])
    if open_share(ciphertext, other.encryption_private, *context) != share:
        raise ValueError("a sealed share that does not open")
    return {
        "from": sender,
        "to": recipient,
        "share": share,
        "ephemeral_private_key": ephemeral,
        "info": info,
        "ciphertext": ciphertext,
    }


def decryption_transcript(
    aggregates: Aggregates, election_id: bytes, members: Mapping[str, Any], share: bytes
) -> Transcript:
    """The proof of 7.5 for a partial decryption with these members (guardian, size, root, points)."""
    points = records(b64url_decode(members["points"]))
    listed = [aggregates.items[i].a for i in aggregates.listed]
    pairs = b"".join(a + m for a, m in zip(listed, points, strict=True))
    template = compile_relation(PARTIAL_DECRYPTION, m=len(listed))
    context = (le(members["guardian"], 4), le(members["size"], 8), b64url_decode(members["root"]))
    proof_tag = tag(template.name, election_id, *context)
    return proved(template.header, engine.multiply_base(share) + pairs, proof_tag, share)


def ballot_transcript(sealed: SealedBallot, credential_secret: bytes) -> Transcript:
    """The proof of 6.5 for an honest ballot."""
    template = sealed.layout.template
    witness = ballot_witness(credential_secret, sealed.bits, sealed.nonces)
    elements = sealed.key + sealed.credential + sealed.ciphertexts
    return proved(template.header, elements, tag("Ballot", sealed.election_id, sealed.body_hash), witness)


def ballot_witness(credential_secret: bytes, bits: Sequence[int], nonces: Sequence[bytes]) -> bytes:
    """c, then b, r and s = (1 - b)·r for each bit."""
    witness = credential_secret
    for bit, nonce in zip(bits, nonces, strict=True):
        second = (1 - bit) * int.from_bytes(nonce, "little") % ORDER
        witness += le(bit % ORDER, 32) + nonce + le(second, 32)
    return witness


def unlawful_body(
    election: FixedElection,
    name: str,
    bits: Sequence[int],
    nonces: Sequence[bytes] | None = None,
    previous: bytes = FIRST,
    **changed: Any,
) -> tuple[bytes, Sequence[bytes]]:
    """The body of a ballot that encrypts any integers, and its nonces. `changed` replaces members of the body."""
    voter = election.voters[name]
    nonces = nonces or [scalar(f"{election.label} unlawful nonce {name} {bits} {i}") for i in range(len(bits))]
    masks = engine.multiply_fixed(election.key, b"".join(nonces))
    b = engine.add(engine.multiply_base(b"".join(le(bit % ORDER, 32) for bit in bits)), masks)
    pairs = zip(records(engine.multiply_base(b"".join(nonces))), records(b), strict=True)
    body = {
        "ciphertexts": b"".join(left + right for left, right in pairs),
        "credential": voter.credential,
        "election": election.election_id,
        "kind": "ballot",
        "previous": previous,
        "style": voter.style,
    }
    return canonical_bytes(binary({**body, **changed})), nonces


def unlawful_ballot(
    election: FixedElection,
    name: str,
    bits: Sequence[int],
    nonces: Sequence[bytes] | None = None,
    previous: bytes = FIRST,
) -> bytes:
    """A ballot entry of such a body, proved as well as it can be by a device that runs the prover regardless."""
    body, nonces = unlawful_body(election, name, bits, nonces, previous)
    members = members_of(body)
    shape = layout(election.manifest, election.style_index(members["style"]))
    elements = election.key + b64url_decode(members["credential"]) + b64url_decode(members["ciphertexts"])
    proof_tag = tag("Ballot", election.election_id, sha256(body).digest())
    witness = ballot_witness(election.voters[name].secret, bits, nonces)
    return ballot_entry(body, transcript(shape.template.header, elements, proof_tag, witness).proof)
