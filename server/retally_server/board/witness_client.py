"""Asking one witness for its cosignature (C2SP tlog-witness), and what its answer can mean.

A witness may be down, slow, wrong or dishonest; nothing it says is believed without a signature. What ends a board is
one thing only: a checkpoint that *this board's own key* signed and this board does not know. That is a second history,
whoever shows it.
"""

from dataclasses import dataclass
from hashlib import sha256

import httpx

from retally_crypto.checkpoints import parse_decimal, verify_checkpoint, verify_cosignature
from retally_crypto.errors import BadSignature, Malformed, RetallyError
from retally_crypto.notes import NoteSignature, VerifierKey, parse_note, parse_signature_lines
from retally_server.add_checkpoint import format_add_checkpoint
from retally_server.board.hash_tree import HashTree
from retally_server.board.witness_addresses import LOOPBACK
from retally_server.database.store import StoredCheckpoint

ANSWER_LIMIT = 128 * 1024
_ATTEMPTS = 3


@dataclass(frozen=True)
class Cosigned:
    """The witness's verified signature over the checkpoint that was sent, made at `time` (POSIX seconds)."""

    signature: NoteSignature
    time: int


@dataclass(frozen=True)
class Down:
    """No usable answer: the network, a status, or a witness that does not know this log."""

    reason: str


@dataclass(frozen=True)
class Wrong:
    """An answer that no right witness gives, for example a signature that does not verify."""

    reason: str


@dataclass(frozen=True)
class Ahead:
    """The witness says that it has seen another history than this board's.

    `evidence` is a checkpoint that the board's key signed and that is not this board's: proof. None: its word only.
    """

    reason: str
    evidence: bytes | None


Outcome = Cosigned | Down | Wrong | Ahead


class WitnessClient:
    """One witness of one board. Used by one thread at a time."""

    def __init__(
        self,
        key: VerifierKey,
        address: str,
        board_key: VerifierKey,
        seconds: float,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`seconds` bounds each network operation."""
        self.key = key
        self._address = address
        self._board_key = board_key
        self._seen = 0
        self._client = httpx.Client(
            transport=transport,
            timeout=seconds,
            follow_redirects=False,
            trust_env=httpx.URL(address).host not in LOOPBACK,
            headers={"Accept-Encoding": "identity"},
        )

    def close(self) -> None:
        """Closes the connection."""
        self._client.close()

    def submit(self, head: StoredCheckpoint, tree: HashTree) -> Outcome:
        """Asks for a cosignature on `head`, a checkpoint of `tree`. Never raises for what a witness may answer."""
        try:
            for _ in range(_ATTEMPTS):
                old = min(self._seen, head.size)
                proof = tree.consistency_proof(old, head.size) if old else ()
                body = format_add_checkpoint(old, proof, head.note)
                status, content = self._exchange("POST", "add-checkpoint", body)
                if status == 409:
                    seen = _size(content)
                    if seen > head.size:
                        reason = f"it says that it cosigned size {seen}, this board has {head.size}"
                        return Ahead(reason, self._foreign_checkpoint(head, tree))
                    if seen == old:
                        return Wrong(f"it answers 409 with the very size {seen} that it was asked about")
                    self._seen = seen
                elif status == 422:
                    evidence = self._foreign_checkpoint(head, tree)
                    reason = f"it does not find size {head.size} consistent with size {old}"
                    return Ahead(reason, evidence) if evidence else Wrong(reason)
                elif status == 200:
                    cosigned = self._verified(content, head)
                    self._seen = head.size
                    return cosigned
                else:
                    return Down(f"it answers with status {status}")
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # InvalidURL: httpx reads where a redirect leads even if it does not go there.
            return Down(f"it does not answer: {type(error).__name__}")
        except RetallyError as error:
            return Wrong(str(error))
        return Wrong("it names another size each time it is asked")

    def _verified(self, content: bytes, head: StoredCheckpoint) -> Cosigned:
        try:
            lines = parse_signature_lines(content.decode("utf-8"))
        except UnicodeDecodeError:
            raise Malformed("its answer is not UTF-8") from None
        own = [line for line in lines if (line.name, line.key_id) == (self.key.name, self.key.key_id)]
        if len(own) != 1:
            raise BadSignature(f"its answer has {len(own)} signature lines of {self.key.name} instead of one")
        return Cosigned(own[0], verify_cosignature(self.key, own[0].signature, parse_note(head.note).text))

    def _foreign_checkpoint(self, head: StoredCheckpoint, tree: HashTree) -> bytes | None:
        """The checkpoint the witness shows for this log, if the board's key signed it and it is not this board's."""
        path = f"{sha256(self._board_key.name.encode()).hexdigest()}/checkpoint"
        try:
            status, content = self._exchange("GET", path, b"")
            shown = verify_checkpoint(content, self._board_key) if status == 200 else None
        except (httpx.HTTPError, httpx.InvalidURL, RetallyError):
            return None
        if shown is None or (shown.size <= head.size and tree.root(shown.size) == shown.root):
            return None
        return content

    def _exchange(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        with self._client.stream(method, f"{self._address}/{path}", content=body) as response:
            content = bytearray()
            for part in response.iter_raw():
                content += part
                if len(content) > ANSWER_LIMIT:
                    raise Malformed(f"its answer is longer than {ANSWER_LIMIT} bytes")
            return response.status_code, bytes(content)


def _size(content: bytes) -> int:
    text = content.decode("ascii", "replace")
    if not text.endswith("\n"):
        raise Malformed("its 409 does not end in a newline")
    return parse_decimal(text[:-1], "the size in its 409")
