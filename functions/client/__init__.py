"""HTTP calls of manage.py to a running Thunder."""
