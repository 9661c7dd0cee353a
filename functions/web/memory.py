"""Configure the memory of a serving process: Python's garbage collector, and glibc's allocator."""

import ctypes
import gc

GC_THRESHOLD = 100_000
"""Garbage collection threshold (allocations). A parsed document has about this many objects and no garbage. With the
default of 700, the collector would scan them hundreds of times and double the time of an ingest."""

_MIB = 1024 * 1024
_MALLOPT = {-8: 1, -1: 64 * _MIB, -3: 32 * _MIB}
"""M_ARENA_MAX, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD, see mallopt(3). By default, glibc returns the buffers of each
body and log to the system. Each of their pages is then a page fault when the next request uses it: 2 200 faults for a
trace of 1 800 tokens. With these values, a process keeps up to 64 MiB of freed memory, in one arena."""


def configure_memory() -> None:
    """Keep freed memory for the next request, and exclude imported objects from garbage collection.

    Scanning them would block the event loop for tens of milliseconds.
    """
    if not gc.get_freeze_count():  # tests start many servers in one process; freezing again would keep their garbage
        gc.freeze()
    gc.set_threshold(GC_THRESHOLD)
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # macOS and musl have none
    for parameter, value in _MALLOPT.items():
        if mallopt is not None:
            mallopt(parameter, value)
