"""The threshold below which an engine stops a generation early, from earlier generations.

Source: Fu et al., "Deep Think with Confidence", arXiv 2508.15260, section 3.2 (offline warm-up); deepconf 0.1.0.
"""

import numpy as np

from core.decisions.bootstrap import Floats


def find_warm_up(confidences: Floats, keep: float) -> float:
    """Return the confidence that a share `keep` of the generations reach, interpolated linearly. Needs at least one."""
    return float(np.percentile(confidences, (1 - keep) * 100))
