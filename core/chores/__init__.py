"""The chores of manage.py on a database: look at it, empty it, examine it, take requests out and bring them in."""
