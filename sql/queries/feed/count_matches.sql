-- Count the requests that pass the filters, up to a limit, at which the count stops.
select count(*) as total
from (
    select id
    from requests
    where
        request_matches(requests, %(filters)s::feed_filters)
        and (
            %(collection_id)s::bigint is null
            or id = any(array(
                select collection_members.request_pk
                from collection_members
                where collection_members.collection_id = %(collection_id)s::bigint
            ))
        )
    limit %(limit)s -- noqa: AM09
) as counted
