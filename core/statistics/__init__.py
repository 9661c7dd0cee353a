"""Statistics over many requests: summaries, drift, calibration, and what each mod's handlers did."""
