"""Names of Modal apps and secrets, and the rollout of an environment."""
