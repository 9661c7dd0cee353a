"""The web endpoints. Each module of this package serves one endpoint; `web` contains the code that they share."""

import gc

IMPORT_THRESHOLD = 1_000_000
"""Garbage collection threshold (allocations) while modules are imported. Imported objects stay alive, and scanning them
repeatedly takes a tenth of a cold start. The lifespan sets the threshold for serving (functions.web.memory)."""

# Set before the imports that it speeds up.
gc.set_threshold(IMPORT_THRESHOLD)
