"""The commands of manage.py: options, prompts, doctor, status. Only manage.py and the chores on Modal import it."""
