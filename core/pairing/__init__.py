"""Pair the events of a document into tokens, and score them. Pure."""
