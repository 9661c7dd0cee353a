-- Check that the database belongs to this app, and return the id of the server process.
select pg_backend_pid()
from require_owner(%(app_name)s)
