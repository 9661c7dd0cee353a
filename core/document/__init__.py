"""The posted document: its schema, parsing, checks, and the masking of user API keys."""
