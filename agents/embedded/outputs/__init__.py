"""Outputs of the live host, one file each."""
