update environment
set schema_version = %(schema_version)s
