"""The playground of the UI: its keys, the source of its mods, and calls to model and SAE servers."""
