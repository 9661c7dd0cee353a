-- List the applied migrations in order.
select
    version,
    checksum
from schema_migrations
order by version
