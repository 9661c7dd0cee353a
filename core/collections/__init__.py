"""Collections: named sets of requests. Each has an owner."""
