"""Code that all endpoints share: application, lifespan, authentication, errors, limits, responses."""
