"""Runs of the activations page: a prompt, its output, and the features of an autoencoder at each token."""
