"""Curation: what people add to a request, tags and favorites."""
