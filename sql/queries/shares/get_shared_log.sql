-- The text is left where it is if the client has it: `known` are the versions that it said.
with
seen as (
    select
        requests.*,
        false as is_owned,
        requests.share_nonce is not null and coalesce(requests.share_expires_at > now(), true) as is_public
    from requests
    where requests.id = open_link(%(token_hash)s, %(request_id)s::text)
),

versions as (
    select
        md5(concat_ws(
            ' ',
            seen.id,
            extract(epoch from seen.ingested_at),
            seen.revision,
            seen.curation,
            seen.is_owned,
            seen.is_public
        )) as version
    from seen
)

select
    seen.request_id,
    seen.id,
    seen.created_at,
    seen.revision,
    seen.is_owned,
    seen.user_key_label,
    seen.share_nonce,
    seen.is_public,
    seen.favorited_by,
    seen.tags,
    seen.discussion_count,
    versions.version,
    case when not array[versions.version, '*'] && %(known)s::text[] then request_traces.log end as log
from seen
cross join versions
inner join request_traces on seen.id = request_traces.request_pk
