-- Get the database's stamp: its owner app and schema version.
select
    app_name,
    stamped_at,
    schema_version
from environment
