"""Many clients against servers whose Postgres, processes, connections, disk, clock and network fail (`make chaos`)."""
