"""The Retally ballot server: an append-only board per election, its sequencer and its static files.

The server promises one thing: a ballot that was answered with a receipt is on the board for good. It is not trusted for
anything else; what it lets in is ruled by `retally_crypto.record`, the same code an auditor runs afterwards.
"""

from importlib.metadata import version

__version__ = version("retally-server")
