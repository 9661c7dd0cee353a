"""The stream: sends each stored trace to every listening client once, in order, from any process (docs/STREAM.md)."""
