"""Outcomes: labels from external sources that say whether an answer is correct."""
