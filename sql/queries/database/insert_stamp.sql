-- Stamp the database as belonging to an app.
insert into environment (app_name, schema_version)
select
    %(app_name)s,
    max(version)
from schema_migrations
