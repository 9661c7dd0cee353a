"""Decisions from scores and recorded outcomes. The functions do no I/O."""
