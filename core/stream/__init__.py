"""The stream: each stored trace is told to whoever listens, once, in order, from any process (docs/STREAM.md)."""
