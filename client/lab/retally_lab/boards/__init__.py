"""Elections built in memory with every secret at hand, and the files that their boards are published as."""
