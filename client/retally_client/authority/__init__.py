"""The election authority: writes the manifest, opens, closes, enters paper counts and publishes the result.

It decides nothing about the count: every number it signs is recomputed by every verifier.
"""
