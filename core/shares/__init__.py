"""Shares: links that open one public request without a key."""
