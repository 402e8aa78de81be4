"""Recomputing an election from its public files and a trust policy, and nothing else (docs/spec, pages 3, 8 and 9)."""
