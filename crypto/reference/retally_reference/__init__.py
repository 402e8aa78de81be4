"""Retally's executable specification: the cryptography and a complete verifier in the standard library alone.

Read in this order: `edwards` and `group` (docs/spec 2.1), `fiat_shamir`, `linear_relation` and `sigma` (2.2 to 2.5).
`engine` is the same as bytes in, bytes out, for those who have no native engine.
"""
