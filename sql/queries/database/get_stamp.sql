-- Get the database's stamp: its app, when it was stamped, and its schema version.
select
    app_name,
    stamped_at,
    schema_version
from environment
