"""Collections: named sets of requests, each its owner's."""
