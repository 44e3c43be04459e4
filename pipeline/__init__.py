"""The pure core: the same input gives the same output, byte for byte."""
