-- Record the schema version in the stamp.
update environment
set schema_version = %(schema_version)s
