"""The checks of page 8, one module for each group of numbers; `retally_crypto.record` runs them over a board.

`v04_order` to `v16_v20_decryption` hold the tests of single entries, which raise `Broken`, and beside them the
conclusion of each check as a whole, named after it: `v10_ballot_proofs` and so on.
"""
