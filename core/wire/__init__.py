"""The ground floor: JSON, timestamps, zstd, and validation messages."""
