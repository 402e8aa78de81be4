"""The Retally ballot server: an append-only board per election, its sequencer and its static files.

The server promises one thing: a ballot that was answered with a receipt is on the board for good. It is not trusted for
anything else: auditors read the board anew. What is let in is ruled on by `retally_crypto.record`, with the rules that
`retally-verify` applies afterwards.

Its folders are layers, each of which imports only those below it (import-linter):

    operator/    commands: serve, looking an installation over, keys, locks, the database's owner
    api/         HTTP: addresses, problems, limits, the web client's files, metrics and health
    elections    what belongs to one running server
    processes/   all boards of one process, and several processes on one database
    board/       one board: its log, its files, its witnesses
    database/    entries and signed checkpoints, in SQLite or PostgreSQL

`witness/` is the other side, which shares nothing with these.
"""

from importlib.metadata import version

__version__ = version("retally-server")
