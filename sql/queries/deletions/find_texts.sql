select
    place,
    hits
from find_texts(%(pattern)s::text, %(hashes)s::bytea[])
