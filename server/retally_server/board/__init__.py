"""One board: its entries, tree, static files, keys, witnesses, and the queue in front of it."""
