"""The cases. Each module has a `GROUP` with its cases and what they need."""
