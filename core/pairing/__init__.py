"""From events to scored tokens: pair the events of a document, and score what they add up to. Pure."""
