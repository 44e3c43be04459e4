"""The vocabulary: every record on the wire, as frozen pydantic models."""
