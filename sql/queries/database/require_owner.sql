-- Check that the database belongs to this app.
select require_owner(%(app_name)s)
