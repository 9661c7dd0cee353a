"""The web functions: each module of this package serves one endpoint; `common` is what they share."""
