"""Outcomes: whether an answer turned out right, as somebody outside says."""
