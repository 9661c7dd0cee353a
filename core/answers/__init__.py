"""The text of an answer: the place of each token in it, its least confident words, its JSON values, and votes. Pure."""
