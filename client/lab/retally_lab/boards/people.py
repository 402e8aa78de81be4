"""Whose secrets a test election is made of: voters with their codes, guardians with their polynomials."""

from __future__ import annotations

from dataclasses import dataclass, field

from retally_crypto import credentials
from retally_crypto.secret.credentials import combine_secrets, part_secret, public_part
from retally_crypto.secret.guardians import Polynomial
from retally_crypto.secret.sign import SigningKey


@dataclass
class Voter:
    """A voter's secrets: one code from each registrar, and the credential they make in this election."""

    name: str
    style: str
    codes: list[bytes]
    secrets: list[bytes] = field(default_factory=list)
    parts: list[bytes] = field(default_factory=list)
    secret: bytes = b""
    credential: bytes = b""

    def derive(self, election_id: bytes) -> None:
        """Turn the codes into the credential (5.6)."""
        numbered = enumerate(self.codes, start=1)
        self.secrets = [part_secret(code, election_id, registrar) for registrar, code in numbered]
        self.parts = [public_part(secret) for secret in self.secrets]
        self.secret = combine_secrets(self.secrets)
        self.credential = credentials.combine_parts(self.parts)


@dataclass
class Guardian:
    """A guardian's secrets."""

    number: int
    key: SigningKey
    polynomial: Polynomial
    encryption_private: bytes
    encryption_key: bytes
