"""The server over HTTP: one module per group of addresses, `app.py` puts them together."""
