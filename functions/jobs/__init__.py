"""What runs by itself, on a schedule."""
