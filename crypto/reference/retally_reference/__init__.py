"""Retally's executable specification: the cryptography and a complete verifier in the standard library alone.

Read in this order: `edwards` and `group` (docs/spec 2.1), `fiat_shamir`, `linear_relation` and `sigma` (2.2 to 2.5).
Then the verifier, page by page: `canonical` (1), `board` and `notes` (3, 9), `manifest` and `entries` (4), `election`
(4.6, 5, 8.1), `ballots` (6), `tally` (7), `verify` and `report` (8). It shares no code with any other verifier of ours.
`engine` is the same as bytes in, bytes out, for those who have no native engine.
"""
