"""The logic of Thunder: reading, scoring and storing traces. Independent of HTTP and Modal."""

import os

# numpy reads this when it is imported. The arrays of a call are small, so more threads would only compete with other
# calls and processes: a fit to 20,000 labels takes 0.2 s of CPU time instead of 2.6 s on two cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
