-- Whatever is written from now on names its schema, as pg_dump does.
select set_config('search_path', '', true)
