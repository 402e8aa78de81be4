"""A guardian's partial decryption: only of a board that verifies, and once (docs/spec 7.5; protocol, section 4).

The guardian runs the whole verifier, computes the aggregates itself, and writes into its journal that it decrypts,
durably, before anything leaves this program. The journal is made with the ceremony's secrets; without it the guardian
refuses, because it could not know whether it has decrypted before. Running again after a crash sends the recorded
entry, never another one.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from retally_client.guardian.ceremony import Secrets, guardian_number, key_share
from retally_client.keys import exclusive, replace_private, write_private
from retally_crypto.canonical import parse_json
from retally_crypto.encoding import b64url_decode, b64url_encode
from retally_crypto.entries import PartialDecryption
from retally_crypto.errors import Malformed, Refused, Unusable
from retally_crypto.record import ElectionRecord
from retally_crypto.rules.findings import CheckResult
from retally_crypto.secret.decrypt import partial_decrypt
from retally_crypto.secret.sign import SigningKey, sign_entry
from retally_verify.run import Verified

REQUIRED = tuple(f"V{number:02}" for number in (*range(1, 16), 20))
"""Checks that must pass before anything is decrypted. V16 must not fail: before the first decryption it is
incomplete."""
JOURNAL_LIMIT = 128 * 1024
"""Bytes of a journal: an entry in base64url, and its name."""


@dataclass(frozen=True)
class Journal:
    """The durable record of one guardian's decryption in one election: `entry` is None as long as it has not
    decrypted."""

    path: Path
    name: bytes
    entry: bytes | None


def make_journal(path: Path, name: bytes) -> None:
    """A journal that says: not decrypted yet. Raises FileExistsError if there is one."""
    write_private(path, _journal_bytes(name, None))


def renew_journal(path: Path, name: bytes) -> None:
    """The journal of secrets that are just made. One that says "not decrypted" may be there, left by a run that was
    interrupted before it kept its secrets; any other is refused."""
    if path.exists():
        if _read(path)[1] is not None:
            raise Refused(f"the journal {path} says that this guardian has decrypted")
        path.unlink()
    make_journal(path, name)


def read_journal(path: Path, name: bytes) -> Journal:
    """The journal of that name. Raises Refused if it is lost or another's: then this guardian never decrypts again."""
    found, entry = _read(path)
    if found != name:
        raise Refused(f"the journal {path} belongs to other secrets")
    return Journal(path, name, entry)


def _read(path: Path) -> tuple[bytes, bytes | None]:
    try:
        value: Any = parse_json(path.read_bytes(), JOURNAL_LIMIT)
        name, entry = value["journal"], value["entry"]
        return b64url_decode(name), None if entry is None else b64url_decode(entry)
    except FileNotFoundError:
        raise Refused(
            f"the journal {path} is lost: nobody can tell whether this guardian has decrypted, so it does not"
        ) from None
    except (KeyError, TypeError, AttributeError, Malformed):
        raise Refused(f"{path} is not a guardian's journal") from None


def _journal_bytes(name: bytes, entry: bytes | None) -> bytes:
    value = {"journal": b64url_encode(name), "entry": None if entry is None else b64url_encode(entry)}
    return json.dumps(value).encode()


def decrypt(
    verified: Verified, secrets: Secrets, key: SigningKey, journal: Journal, override: Collection[int] = ()
) -> bytes:
    """This guardian's `partial-decryption`, recorded in the journal before it is returned; the recorded one if there
    is one.

    `override` names the entries whose failing this guardian's owner accepts. Raises Refused with the reason.
    """
    with exclusive(journal.path):
        # Read again under the lock: two programs at once must not decrypt two boards.
        recorded = read_journal(journal.path, journal.name).entry
        return recorded if recorded is not None else _decrypt_now(verified, secrets, key, journal, override)


def _decrypt_now(
    verified: Verified, secrets: Secrets, key: SigningKey, journal: Journal, override: Collection[int]
) -> bytes:
    record, head = require_verified(verified, override), verified.report.head
    number = guardian_number(record.manifest, key)
    if number in record.partial_decryptions:
        raise Refused(f"a partial decryption of guardian {number} is on the board, and this journal does not know it")
    if head is None:
        raise Unusable("no checkpoint was read")
    share = key_share(record, secrets, number)
    aggregates, digest = record.aggregates()
    points, proof = partial_decrypt(share, aggregates, record.election_id, number, head.size, head.root)
    content = PartialDecryption(
        election=record.election_id,
        guardian=number,
        size=head.size,
        root=head.root,
        units=tuple(unit.districts for unit in record.reported_units()),
        aggregates=digest,
        points=points,
        proof=proof,
    )
    entry = sign_entry(content, [key])
    replace_private(journal.path, _journal_bytes(journal.name, entry))
    return entry


def require_verified(verified: Verified, override: Collection[int]) -> ElectionRecord:
    """The record of a board that passes every check a guardian needs. Raises Refused naming what does not.

    Checks may fail for ballots alone, and then only for exactly those entries that `override` names.
    """
    report, record = verified.report, verified.record
    wanting = [check for check in map(report.check, REQUIRED) if check.state not in ("pass", "not applicable")]
    wanting += [check for check in [report.check("V16")] if check.state == "fail"]
    if record is None or record.closing_index is None:
        named = ", ".join(sorted(check.number for check in wanting))
        raise Refused(f"the board is not closed or cannot be trusted: {named}")
    unexcused = sorted(check.number for check in wanting if not _for_ballots_alone(check))
    if unexcused:
        raise Refused(f"the board does not verify: {', '.join(unexcused)} (retally verify says why)")
    ballots = {finding.index for finding in record.findings if finding.kind == "ballot" and finding.index is not None}
    unknown = sorted(set(override) - ballots)
    if unknown:
        raise Refused(f"entry {unknown[0]} is no ballot that failed a check: there is nothing to override")
    left = sorted(ballots - set(override))
    if left:
        named = " ".join(f"--override {index}" for index in left)
        raise Refused(f"ballots failed their checks and are not counted. To decrypt all the same, name them: {named}")
    return record


def _for_ballots_alone(check: CheckResult) -> bool:
    """Whether a check that does not pass would pass but for single ballots: the only thing an owner may override."""
    return bool(check.findings) and not check.missing and all(one.kind == "ballot" for one in check.findings)
