"""What Retally costs on this machine, per engine and per core; `benchmarks/FIGURES.md` has the last figures.

Nothing here is a test: no figure passes or fails.
"""
