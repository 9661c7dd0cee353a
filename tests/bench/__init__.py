"""How far each path is from what the hardware allows: `make bench`. docs/PERFORMANCE.md says what its lines mean."""
