"""Jobs on Modal: scheduled retention, and the chores of chores.py."""
