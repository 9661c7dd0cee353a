-- List which of the given requests pass which of the given sets of filters.
-- A request that was replaced in the meantime passes none.
with
filters as materialized (
    select
        given.*,
        websearch_to_tsquery('simple', given.q) as query
    from
        unnest(
            %(model_each)s::text[],
            %(mod_each)s::text[],
            %(tag_each)s::text[],
            %(favorited_by_each)s::text[],
            %(created_from_each)s::timestamptz[],
            %(created_to_each)s::timestamptz[],
            %(min_confidence_each)s::double precision[],
            %(max_confidence_each)s::double precision[],
            %(has_exception_each)s::boolean[],
            %(source_each)s::text[],
            %(group_id_each)s::text[],
            %(q_each)s::text[]
        )
        with ordinality as given (
            model,
            mod,
            tag,
            favorited_by,
            created_from,
            created_to,
            min_confidence,
            max_confidence,
            has_exception,
            source,
            group_id,
            q,
            ordinal
        )
)

select
    filters.ordinal,
    requests.id
from unnest(%(ids)s::bigint[], %(xids)s::xid8[]) as stored (id, xid)
inner join requests on stored.id = requests.id and stored.xid = requests.stored_xid
inner join filters
    on request_matches(
        requests,
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
        filters.query
    )
