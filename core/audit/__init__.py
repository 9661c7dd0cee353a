"""The audit log: who changed keys, published, deleted, adopted or cleared."""
