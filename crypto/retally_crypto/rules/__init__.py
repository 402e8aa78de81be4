"""The checks of page 8, one module for each group of numbers.

    ballot          which check a ballot falls under: the one rule for everybody
    fold            what is decided of an entry, in order, and what it changes in `state`
    v03 to v21      tests of single entries, which raise `Broken`, and beside them the conclusion of each check as a
                    whole, named after it: `v10_ballot_proofs` and so on
    findings        what checks report; `results`: what a board comes to

They are functions of plain data. Nothing here reads a file or asks anybody: whoever calls has read what it takes.
"""
