"""Alerts: rules that are evaluated at ingest or on a schedule, and the webhooks that they send."""
