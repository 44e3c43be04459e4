"""The Faust host: the two keyed steps of the flow over any number of processes."""
