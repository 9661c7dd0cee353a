-- What a reader may see and which version of it, each in one place. Both are inlined: no row is copied for them.

create function is_public(request requests) returns boolean language sql stable
return request.share_nonce is not null and coalesce(request.share_expires_at > now(), true);

comment on function is_public is 'Whether anybody may read a request: it has a link whose time is not over.';

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

comment on function request_version is 'The version of all that a log shows this reader: part of its ETag.';

create function document_version(request requests, is_owned boolean) returns text language sql stable
return concat_ws('.', request.id, request.revision, extract(epoch from request.ingested_at), is_owned);

comment on function document_version is
'The version of the document, and the view of it that is rendered for this reader: the key of a process''s rendered logs.';

-- The index by (request_pk, id) begins with the same.
drop index discussions_request;
