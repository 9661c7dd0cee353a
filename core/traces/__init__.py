"""Traces: what an engine posts, how it is paired into steps, stored, and read back as a log."""
