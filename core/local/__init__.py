"""Thunder on one machine: the embedded Postgres, its secrets, and access to the database that the settings name."""
