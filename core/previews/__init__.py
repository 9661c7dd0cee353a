"""Link previews: the facts of a request that a preview shows, and its image."""
