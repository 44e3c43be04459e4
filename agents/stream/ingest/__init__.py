"""The ingest hop: raw payloads become packed events. It keeps no state; Kafka's transactions see to exactly once."""
