"""Statistics over many requests: summaries, drift, calibration, and the effect of mods."""
