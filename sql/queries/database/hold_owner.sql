-- Check that the database belongs to this app, and keep it so until the transaction ends.
select hold_owner(%(app_name)s)
