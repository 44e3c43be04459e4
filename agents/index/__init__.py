"""Elasticsearch: what is written there, how it is kept in step with a store, and how it is read again."""
