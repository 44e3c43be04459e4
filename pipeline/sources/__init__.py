"""One file a monitor: payload bytes become events."""
