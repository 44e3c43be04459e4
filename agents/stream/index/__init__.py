"""The role index: what the topics say gets into Elasticsearch."""
