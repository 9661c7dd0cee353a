"""The cases. Each module has a `GROUP`: its cases, and the servers and data that they share."""
