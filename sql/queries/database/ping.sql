-- Return the version of the latest applied migration.
select coalesce(max(version), 0) as schema_version
from schema_migrations
