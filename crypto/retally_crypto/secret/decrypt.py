"""A guardian's partial decryption of the sums (docs/spec 7.5); `retally_crypto.tally` verifies and combines them."""

from __future__ import annotations

from retally_crypto.engine import engine
from retally_crypto.tally import Aggregates, decryption_elements, decryption_relation, decryption_tag


def partial_decrypt(
    share: bytes, aggregates: Aggregates, election_id: bytes, guardian: int, size: int, root: bytes
) -> tuple[bytes, bytes]:
    """M_j = s·A_j for every listed aggregate (32·m bytes), and the proof (32·(m + 2) bytes) of 7.5.

    `share` is the guardian's secret s; `size` and `root` name the checkpoint that covers `closing`.
    """
    listed = b"".join(aggregates.items[i].a for i in aggregates.listed)
    points = engine.multiply(share * len(aggregates.listed), listed)
    template = decryption_relation(aggregates)
    elements = decryption_elements(engine.multiply_base(share), aggregates, points)
    return points, engine.prove(
        template.header, elements, decryption_tag(template, election_id, guardian, size, root), share, []
    )
