-- Search every column for a pattern and for hashes.
select
    path,
    hits
from find_texts(%(pattern)s::text, %(hashes)s::bytea[])
