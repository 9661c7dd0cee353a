"""Store traces, and read them back as rows of the feed, as logs and as documents."""
