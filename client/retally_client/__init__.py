"""The `retally` command's roles but the verifier: voter, authority, guardian, registrar and adjudication, each in a
folder of its own.

`cli` is the table of all commands, `api` the ballot server's interface, `keys` the private files of officials and
voters. Recounting is retally_verify's business, which imports nothing of this.
"""
