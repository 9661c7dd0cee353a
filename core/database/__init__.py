"""Postgres: the pool, the SQL files, the migrations, and an embedded server for laptops and tests."""
