"""Real servers on this machine, from their published Java artifacts: for tests, and a first try without containers."""
