-- The visibility and versions of a request. The planner inlines these functions, so they copy no rows.

create function is_public(request requests) returns boolean language sql stable
return request.share_nonce is not null and coalesce(request.share_expires_at > now(), true);

comment on function is_public is 'Whether a request is public: it has a link that has not expired.';

create function request_version(request requests, is_owned boolean) returns text language sql stable
return md5(concat_ws(
    ' ',
    request.id,
    extract(epoch from request.ingested_at),
    request.revision,
    request.curation,
    is_owned,
    is_public(request)
));

comment on function request_version is 'The version of a log as this reader sees it, part of its ETag.';

create function document_version(request requests, is_owned boolean) returns text language sql stable
return concat_ws('.', request.id, request.revision, extract(epoch from request.ingested_at), is_owned);

comment on function document_version is
'The version of the document as rendered for this reader. The key of the log cache.';

-- Redundant: the index on (request_pk, id) starts with the same column.
drop index discussions_request;
