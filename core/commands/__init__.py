"""Commands of manage.py: each reads its options, calls one function of another package, and prints."""
