"""The version of the scoring rules, in a separate module so that reading it does not import numpy."""

SCORING_VERSION = 5
"""Increase it when a stored score or a paired step changes; `manage.py rescore` then updates older requests."""
