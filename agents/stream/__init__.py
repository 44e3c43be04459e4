"""The stream on Kafka: the wire, the ingest hop, the workers."""
