update environment
set
    app_name = %(app_name)s,
    stamped_at = now()
