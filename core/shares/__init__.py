"""Shares: links by which somebody without a key reads one public request."""
