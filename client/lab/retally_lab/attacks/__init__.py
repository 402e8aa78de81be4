"""What an adversary could publish: for every check a board that fails exactly it."""
