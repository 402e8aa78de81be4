"""A load hammer: real ballots made ahead of time, sent to a real server over HTTP, every receipt checked.

`python -m benchmarks.hammer --help`. Loopback only, bounded in count and time. `benchmarks/CASTING.md` has the figures.
"""
