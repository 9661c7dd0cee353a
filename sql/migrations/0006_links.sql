-- Resolve share links: the link of a request, or the link of a public collection with the id of a member.

create function open_link(token_hash bytea, request_id text) returns bigint language sql stable
return (
    select requests.id
    from requests
    where
        open_link.request_id is null -- noqa: RF01
        and requests.share_token_hash = open_link.token_hash -- noqa: RF01
        and coalesce(requests.share_expires_at > now(), true)
    union all
    select requests.id
    from requests
    inner join collection_members on requests.id = collection_members.request_pk
    inner join collections on collection_members.collection_id = collections.id
    where
        requests.request_id = open_link.request_id -- noqa: RF01
        and collections.share_token_hash = open_link.token_hash -- noqa: RF01
        and (collections.user_key_hmac is null or requests.user_key_hmac = collections.user_key_hmac)
);

comment on function open_link is 'The request that a link opens, or null. With an id: a member of a public collection. Without: the request with this link.';

create index collections_of_user on collections (user_key_hmac, id desc);
