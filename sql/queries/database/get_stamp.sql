select
    app_name,
    stamped_at,
    schema_version
from environment
