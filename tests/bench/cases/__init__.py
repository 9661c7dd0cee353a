"""The cases. Each module has a `GROUP`: what its cases need, and the cases."""
