"""Measure each path against its floor: `make bench`. docs/PERFORMANCE.md explains the table."""
