"""The confidence report: all scores of one request, stored or posted, token by token."""
