"""Curation: what people add to a request, tags, favorites and comments."""
