"""Jobs on Modal: the schedule, and the chores of chores.py."""
