"""Outcomes: statements by external sources that an answer is correct or incorrect."""
