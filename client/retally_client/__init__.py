"""The `retally` command: verifier, guardian, registrar, authority, voter and lab, each in a folder of its own.

The verifier imports nothing of the others (import-linter checks it): whoever reads the count's trusted base reads
`verifier/` and `retally_crypto`, and nothing else.
"""

from importlib.metadata import version

__version__ = version("retally-client")
