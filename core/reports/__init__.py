"""The confidence report: every score of one request, token by token, whether it is stored or was just sent."""
