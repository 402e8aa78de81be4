"""The database's shape, step by step (Alembic). `store.migrate` runs these; nothing else creates a table."""
