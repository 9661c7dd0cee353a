"""The web functions: each module of this package serves one endpoint; `common` is what they share."""

import gc

IMPORT_THRESHOLD = 1_000_000
"""Allocations between collections while modules are imported: what they make stays, and looking through it again and
again takes a tenth of a cold start. The lifespan sets the threshold for serving (functions.web.context)."""

# Here, because it must come before the imports that it makes faster.
gc.set_threshold(IMPORT_THRESHOLD)
