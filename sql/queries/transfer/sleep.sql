-- Sleep on the server.
select pg_sleep(%(seconds)s)
