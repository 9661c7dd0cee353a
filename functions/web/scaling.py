"""How a web function scales; deploy.py turns it into Modal's settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scaling:
    """One function's profile.

    Attributes:
        max_inputs: requests that one container serves at once.
        target_inputs: requests per container from which on Modal starts another.
        memory_mb: what a container reserves.
        timeout_s: how long one request may take; Modal answers 303 after 150 s.
        idle_s: how long an idle container stays.
        max_containers: how many there may be: a flood ends here, and not at the database's connections.
    """

    max_inputs: int
    target_inputs: int
    memory_mb: int
    timeout_s: int = 60
    idle_s: int = 120
    max_containers: int = 20
