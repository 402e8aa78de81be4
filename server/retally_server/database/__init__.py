"""The database behind the boards: SQLite or PostgreSQL, and its migrations."""
