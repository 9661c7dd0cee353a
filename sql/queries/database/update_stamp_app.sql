-- Change the app that the database belongs to.
update environment
set
    app_name = %(app_name)s,
    stamped_at = now()
