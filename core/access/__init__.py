"""Access: callers, their rights, and API keys. See docs/ACCESS.md."""
