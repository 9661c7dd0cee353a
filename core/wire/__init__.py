"""Wire formats: JSON, timestamps, zstd and validation messages. Every other package may import them."""
