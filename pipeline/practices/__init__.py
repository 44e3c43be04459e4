"""One file an ITIL practice."""
