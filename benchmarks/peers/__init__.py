"""Retally's verification of ballots beside two peers', per encrypted selection, in one run on one machine.

`python -m benchmarks.peers [--quick] [--json]`; `benchmarks/PEERS.md` has the last figures. Nothing here is a test.

Everyone verifies the same kind of ballot: one question with 11 answers of which a voter chooses one or none, each
answer an encrypted bit with a zero-knowledge proof that it is a bit, and a proof about their sum. What differs is
what each system is: its group, its proofs, its language, and whether it verifies ballots one by one or together.
A selection is one encrypted bit; a peer whose ballot has more or fewer bits is divided by its own number of them.

The peers are no dependencies of the project. They live in a folder of their own, `benchmarks/.peers` unless told
otherwise; one that cannot be had there is named with the reason, and the rest is measured.
"""
