"""Thunder's decisions: what a trace means, how it is scored and stored. Knows neither HTTP nor Modal."""
