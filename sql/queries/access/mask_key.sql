-- Get the text to show for a text from a client: for a key, its name.
select mask_key(%(storable)s::storable_text) as shown
