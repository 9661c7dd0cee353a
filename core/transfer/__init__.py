"""Export and import of requests, tokens, actions and whole documents."""
