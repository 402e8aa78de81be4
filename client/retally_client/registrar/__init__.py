"""A registrar: draws codes for voters, and puts its parts of their credentials on the roll (docs/spec 5.6 and 5.7).

It alone knows who got which code. The board only ever sees the public parts, in an order that was shuffled before any
code was drawn.
"""
