"""The logic of Thunder: reading, scoring and storing traces. Independent of HTTP and Modal."""
