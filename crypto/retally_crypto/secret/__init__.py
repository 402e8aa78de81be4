"""What handles secrets: encrypting and proving ballots, guardians' and voters' keys, signing, key files.

Who only verifies never imports this package (import-linter holds `retally_verify` to it).
"""
