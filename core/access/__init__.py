"""Access: who calls, what that caller may see and do, and the keys that say so. docs/ACCESS.md tells it all."""
