"""Fuzzers of the API and of the code that reads untrusted JSON (`make fuzz`)."""
