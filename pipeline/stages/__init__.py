"""One file a stage: a record goes in, records come out."""
