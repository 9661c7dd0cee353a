"""The scaling of a web function. deploy.py converts it to Modal's settings."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scaling:
    """The scaling of one function.

    Attributes:
        max_inputs: maximum number of concurrent requests per container.
        target_inputs: concurrent requests per container above which Modal starts another one.
        memory_mb: reserved memory per container.
        timeout_s: maximum duration of a request. Modal answers 303 after 150 s.
        idle_s: how long an idle container is kept.
        max_containers: maximum number of containers. It protects the database's connections from a flood of requests.
    """

    max_inputs: int
    target_inputs: int
    memory_mb: int
    timeout_s: int = 60
    idle_s: int = 120
    max_containers: int = 20
