"""What an adversary could publish: for every check a board that fails exactly it.

tampering           ATTACKS, the register of all, with the check and the entry that must be named; both verifiers'
                    verdicts on a board, side by side
forging             a prover without scruples: ballots that encrypt anything, proofs of what is false
scenarios           the attacks themselves, by what they touch
"""
