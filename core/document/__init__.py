"""The posted document: its schema, how it is parsed and checked, and how user API keys are masked in it."""
