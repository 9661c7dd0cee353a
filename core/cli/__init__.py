"""The commands of manage.py: options, prompts, doctor, status. Only manage.py imports this package."""
