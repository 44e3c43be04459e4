"""The metrics understood out of the box: what they are called, what they mean, where their bounds are."""
