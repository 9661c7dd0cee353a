-- Whoever writes holds the stamp until it is done (hold_owner): so all of them have ended, and others wait for us.
update environment
set app_name = app_name
returning app_name
