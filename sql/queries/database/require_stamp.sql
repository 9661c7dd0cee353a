-- Fail unless the database belongs to this app. Calls the function only for its error.
select require_stamp(%(app_name)s)
where not exists (
    select from environment
    where environment.app_name = %(app_name)s
)
