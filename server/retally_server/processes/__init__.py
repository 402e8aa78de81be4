"""Several processes on one database: who leads, how entries are handed over, and who goes on."""
