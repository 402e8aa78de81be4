"""All officials of one election in one program, each acting through the same functions as its own command. Trials
only."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from retally_client.api import BoardServer
from retally_client.authority.acts import closing_entry, opening_entry, result_entry
from retally_client.authority.manifest_file import manifest_entry
from retally_client.guardian.ceremony import Secrets, new_secrets, next_step
from retally_client.guardian.decryption import decrypt, make_journal, read_journal
from retally_crypto.errors import Unusable
from retally_crypto.manifest import Manifest
from retally_crypto.notes import ED25519
from retally_crypto.policy import TrustPolicy
from retally_crypto.policy_text import policy_from_manifest
from retally_crypto.record import ElectionRecord
from retally_crypto.secret.sign import SigningKey
from retally_verify.board import open_board
from retally_verify.report import Report
from retally_verify.run import verified, verify

Told = Callable[[str], None]


def new_key(name: str) -> SigningKey:
    """A fresh signing key that lives as long as this program."""
    return SigningKey.from_seed(name, os.urandom(32), ED25519)


@dataclass(frozen=True)
class Officials:
    """Their signing keys; a real election has them with different people on different machines."""

    authority: SigningKey
    registrars: tuple[SigningKey, ...]
    guardians: tuple[SigningKey, ...]

    @classmethod
    def fresh(cls, registrars: int, guardians: int) -> Officials:
        return cls(
            new_key("lab.invalid/authority"),
            tuple(new_key(f"lab.invalid/registrar-{number}") for number in range(1, registrars + 1)),
            tuple(new_key(f"lab.invalid/guardian-{number}") for number in range(1, guardians + 1)),
        )


class LiveElection:
    """One election on a running server. Every act reads the board anew, as its official would."""

    def __init__(self, address: str, manifest: Manifest, officials: Officials) -> None:
        self.officials = officials
        self.manifest = manifest
        self.entry = manifest_entry(manifest, officials.authority)
        self.policy: TrustPolicy = policy_from_manifest(self.entry)
        self.url = f"{address}/elections/{manifest.board.name.rpartition('/')[2]}"
        self.server = BoardServer(self.url)

    def create(self) -> None:
        """Publishes the manifest."""
        self.server.create(self.entry)

    def report(self) -> Report:
        """What an auditor finds on the board now."""
        return verify(open_board(self.url), self.policy)

    @contextmanager
    def record(self) -> Iterator[ElectionRecord]:
        """The board's record now, as long as the block runs. Raises Unusable if the board cannot be trusted."""
        with verified(open_board(self.url), self.policy) as done:
            if done.record is None:
                raise Unusable(f"the board does not verify: {', '.join(done.report.failed)}")
            yield done.record

    def ceremony(self, told: Told) -> list[Secrets]:
        """All guardians go through the key ceremony; returns their secrets, which never leave this program."""
        eid, k = self.policy.election_id, self.manifest.guardians.threshold
        secrets = [new_secrets(eid, k, os.urandom(16)) for _ in self.officials.guardians]
        waiting = set(range(len(secrets)))
        while waiting:
            for number in sorted(waiting):
                with self.record() as record:
                    step = next_step(record, secrets[number], self.officials.guardians[number])
                for entry in step.entries:
                    self.server.append(entry)
                if step.done:
                    waiting.discard(number)
                told(f"guardian {number + 1}: {step.says}")
        return secrets

    def open(self) -> None:
        """The authority opens voting."""
        with self.record() as record:
            self.server.append(opening_entry(record, self.officials.authority))

    def close(self) -> None:
        """The authority closes voting."""
        with self.record() as record:
            self.server.append(closing_entry(record, self.officials.authority))

    def decrypt(self, secrets: Sequence[Secrets], numbers: Sequence[int], folder: Path, told: Told) -> None:
        """Guardians, counted from 1, verify the whole board and decrypt it; their journals are in `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for number in numbers:
            own = secrets[number - 1]
            path = folder / f"guardian-{number}.journal"
            make_journal(path, own.journal)
            journal = read_journal(path, own.journal)
            with verified(open_board(self.url), self.policy) as done:
                entry = decrypt(done, own, self.officials.guardians[number - 1], journal)
            self.server.append(entry)
            told(f"guardian {number}: the board verifies; partial decryption published")

    def publish(self) -> None:
        """The authority publishes the result."""
        with self.record() as record:
            self.server.append(result_entry(record, self.officials.authority))
