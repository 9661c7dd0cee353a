select hold_owner(%(app_name)s)
