"""Calls to the servers that the playground and the activations page run on: model, SAE and HF servers."""
