"""What can go wrong, as types.

Every error that bytes from outside can cause is one of these, so that a caller at the edge (an HTTP handler, a
verifier's check) decides by type what to answer. A message names the thing, the rule and, unless it is a secret, the
value. A broken invariant of our own code is none of these: it is a `ValueError` or an assertion.
"""


class RetallyError(Exception):
    """Base of every error that Retally raises on purpose."""


class Malformed(RetallyError):
    """Bytes from outside do not parse, or are not the canonical form of what they say."""


class BadSignature(RetallyError):
    """A signature that had to be there is missing or does not verify."""


class BadProof(RetallyError):
    """A Merkle proof, a zero-knowledge proof or an opening does not prove what it is given for."""


class Refused(RetallyError):
    """Well-formed, but not allowed by a rule of the protocol.

    `check` is the number of the check (docs/spec page 8) that does not allow it and `index` the entry it is about,
    where they are known: what to do about a refusal is decided on these, never on its words.
    """

    def __init__(self, reason: str, check: str | None = None, index: int | None = None) -> None:
        super().__init__(reason if check is None else f"{check}: {reason}")
        self.reason = reason
        self.check = check
        self.index = index


class CannotDecrypt(RetallyError):
    """An encrypted key file or share does not open: wrong password, wrong recipient or altered bytes."""


class Unusable(RetallyError):
    """Our own key, policy or setting cannot be used for what was asked."""
