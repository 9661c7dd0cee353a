select to_regclass('schema_migrations')::text
