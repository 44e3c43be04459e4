"""The embedded host: the whole flow in one process, on SQLite."""
