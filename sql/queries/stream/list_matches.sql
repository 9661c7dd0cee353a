-- List which of the given requests pass which of the given sets of filters.
-- A request that was replaced in the meantime passes none.
with
-- Each search is parsed once, and not again for each request.
given as materialized (
    select
        filters.ordinality as ordinal,
        search_query(filters.q) as words,
        row(
            filters.model,
            filters.mod,
            filters.tag,
            filters.favorited_by,
            filters.created_from,
            filters.created_to,
            filters.min_confidence,
            filters.max_confidence,
            filters.has_exception,
            filters.source,
            filters.group_id,
            null,
            filters.owner
        )::feed_filters as others
    from unnest(%(filters)s::feed_filters[]) with ordinality as filters
)

select
    given.ordinal,
    requests.id
from unnest(%(ids)s::bigint[], %(xids)s::xid8[]) as stored (id, xid)
inner join requests on stored.id = requests.id and stored.xid = requests.stored_xid
inner join given on request_matches(requests, given.others) and (given.words is null or requests.search @@ given.words)
