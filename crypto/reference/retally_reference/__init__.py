"""Retally's executable specification: the cryptography and a complete verifier in the standard library alone.

To be read beside docs/spec, in this order; a file uses those before it, and none after it.

The cryptography, page 2:

1. `edwards`, `group`: the curve and ristretto255 (2.1).
2. `fiat_shamir`, `linear_relation`, `sigma`: the sponge, what a proof states, proofs one by one and in batches.
3. `ed25519`, `merkle`, `discrete_log`: signatures, the log's tree, the last step of a count.

Bytes and what they say:

4. `canonical` (page 1): JSON, base64, texts. Everything from outside passes here.
5. `notes` (3.2, 3.3, 9.1): keys, signed notes, checkpoints, the trust policy.
6. `board` (3.1): reads files, from a folder or over HTTP. No other file but the command's reads or writes anything.
7. `shapes`, `members`, `manifest`, `entries` (4, 6.1, 6.5): the form of all entries, and who must have signed them.

Rules:

8. `findings`, `statements`: what a refusal is, and what officials prove.
9. `ceremony`, `roll` (page 5): V05 to V08.
10. `ballots` (page 6): `rule_ballot`, the one rule for a ballot: V09, V04, V11, V10, V12, V13.
11. `tally` (page 7): which ballots are summed, decryption, counts.
12. `election` (4.6, 8.1, 8.3): every entry in board order, and the check that refuses it or the effect it has.
13. `history`, `report`, `checks` (8.2, 9.2, 9.3): what was kept, and what all checks conclude.
14. `verify`: reads the board, then calls these rules. Begin here if you want the end first.

A verdict is taken on findings (entry, check, reason), never on words. The verifier shares no code with any other of
ours. `engine` and `forms` are no part of it: they are the cryptography as bytes in, bytes out, for those who have no
native engine.
"""
