"""The laptop: an embedded Postgres, its secrets, and the way to whichever database the settings name."""
