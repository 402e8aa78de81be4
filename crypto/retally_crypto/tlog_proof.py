"""A receipt as it is read: an entry's inclusion, provable offline (C2SP tlog-proof; specification 9.2).

How one is written and verified: `retally_crypto.receipts`.
"""

from dataclasses import dataclass

from retally_crypto.checkpoints import parse_decimal
from retally_crypto.encoding import b64_decode
from retally_crypto.errors import Malformed
from retally_crypto.merkle import HASH_BYTES, MAX_PROOF_HASHES
from retally_crypto.notes import MAX_NOTE_BYTES, parse_note

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True)
class TlogProof:
    """A parsed proof: entry index, audit path from the leaf's sibling up, the checkpoint note verbatim, and extra data.

    Nothing is verified yet; `extra`, if not None, is authenticated by nothing at all.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes | None = None


def parse_tlog_proof(raw: bytes) -> TlogProof:
    """Read a proof; raises Malformed, naming the line. The checkpoint must be a note but is not verified."""
    if len(raw) > MAX_NOTE_BYTES:
        raise Malformed(f"tlog-proof: {len(raw)} bytes, more than {MAX_NOTE_BYTES}")
    head, separator, checkpoint = raw.partition(b"\n\n")
    if not separator:
        raise Malformed("tlog-proof: no empty line before the checkpoint")
    try:
        header, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise Malformed(f"tlog-proof: byte {error.start} is not ASCII") from error
    if header != HEADER:
        raise Malformed(f"tlog-proof: the first line is not {HEADER!r}")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = b64_decode(lines.pop(0).removeprefix("extra "), None, "tlog-proof extra")
        if not extra:
            raise Malformed("tlog-proof: an extra line without data")
    if not lines or not lines[0].startswith("index "):
        raise Malformed("tlog-proof: no index line")
    index = parse_decimal(lines.pop(0).removeprefix("index "), "tlog-proof index")
    if len(lines) > MAX_PROOF_HASHES:
        raise Malformed(f"tlog-proof: {len(lines)} hashes, more than {MAX_PROOF_HASHES}")
    hashes = [b64_decode(line, HASH_BYTES, f"tlog-proof hash {place}") for place, line in enumerate(lines)]
    parse_note(checkpoint)
    return TlogProof(index, tuple(hashes), checkpoint, extra)
