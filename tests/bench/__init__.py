"""The distance of each path from the hardware's limit: `make bench`. docs/PERFORMANCE.md explains the lines."""
