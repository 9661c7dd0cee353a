"""The feed: filters, cursor, order and pages of requests."""
