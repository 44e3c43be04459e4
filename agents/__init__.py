"""Everything that runs: hosts, HTTP, stores and the command line."""
