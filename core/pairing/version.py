"""The version of the scoring rules; apart, for callers that score nothing and need no numpy."""

SCORING_VERSION = 1
"""Raise it when a stored score or a paired step changes: `manage.py rescore` then updates older requests."""
