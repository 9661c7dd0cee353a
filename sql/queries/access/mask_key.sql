-- Get the text to show for a text from a client: for a key, its name.
select mask_key(%(said)s::storable_text) as shown
