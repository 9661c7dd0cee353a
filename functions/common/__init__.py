"""What the web functions share: the application around a router, bodies, keys, errors."""
