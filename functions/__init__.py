"""The web functions: each module of this package serves one endpoint; `common` is what they share."""

import gc

GC_THRESHOLD = 100_000
"""Allocations between collections. A parsed document is that many objects, none of them garbage, and so is what an
import makes: with the default of 700, collections double the time of an ingest and take a tenth of a cold start."""

# Here, because it must come before the imports that it makes faster.
gc.set_threshold(GC_THRESHOLD)
