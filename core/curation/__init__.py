"""Curation: the tags and favorites that people add to a request."""
