"""A guardian: one of n who hold the key in shares. Takes part in the ceremony, then decrypts once, and only a board
that verifies."""
