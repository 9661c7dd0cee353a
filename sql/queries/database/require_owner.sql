select require_owner(%(app_name)s)
