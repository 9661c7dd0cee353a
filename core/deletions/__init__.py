"""Deleting requests, for good, with a receipt."""
