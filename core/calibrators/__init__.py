"""Calibrators: functions from a score to the probability that an answer is correct, fitted to labeled requests."""
