-- Answers of other servers than Quote (docs/decisions/0016).

alter table requests
add column source text not null default 'quote',
add column group_id text;

alter table request_traces add column choice smallint not null default 0;

comment on column requests.source is 'Origin: quote, the shape of the response (openai, sglang, …), or the door (litellm, otlp).';
comment on column requests.group_id is 'The id shared by the answers to one prompt, whose ids are <group_id>~0, <group_id>~1, …';
comment on column request_traces.choice is 'Position of the answer in the document, from 0.';
comment on column request_traces.format is
'Format of the document. 1: a Quote trace. 2: a JSON item. 3: Server-Sent Events. 4: a span. Readers reject unknown formats.';
comment on column requests.has_exception is 'Whether a mod''s handler raised an exception, or the call failed.';

-- Quote traces write to neither.
create index requests_of_source on requests (source, created_at desc, id desc) where source <> 'quote';
create index requests_of_group on requests (group_id, created_at desc, id desc) where group_id is not null;

-- The function without source and group_id stays, for processes of the version before.
create function request_matches(
    request requests,
    model text,
    mod text,
    tag text,
    favorited_by text,
    created_from timestamptz,
    created_to timestamptz,
    min_confidence double precision,
    max_confidence double precision,
    has_exception boolean,
    source text,
    group_id text,
    query tsquery
) returns boolean language sql immutable
return (model is null or request.model = request_matches.model)
and (mod is null or request.mods @> array[request_matches.mod])
and (tag is null or request.tags <> '{}' and request.tags @> array[request_matches.tag])
and (
    favorited_by is null
    or request.favorited_by <> '{}' and request.favorited_by @> array[request_matches.favorited_by]
)
and (created_from is null or request.created_at >= created_from)
and (created_to is null or request.created_at < created_to)
and (min_confidence is null or coalesce(request.sequence_confidence, 2) >= min_confidence)
and (min_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (max_confidence is null or coalesce(request.sequence_confidence, 2) <= max_confidence)
and (max_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (has_exception is null or request.has_exception = request_matches.has_exception)
and (source is null or request.source = request_matches.source)
and (group_id is null or request.group_id = request_matches.group_id)
and (query is null or request.search @@ query);

comment on function request_matches(
    requests, text, text, text, text, timestamptz, timestamptz, double precision, double precision, boolean, text, text, tsquery
) is 'Whether a request passes the feed''s filters. A null filter passes every request.';

create function add_tags(tags text[], more text[]) returns text[] language sql immutable
return case
    when more <@ tags then tags
    else tags || array(
        select added.tag
        from unnest(more) as added (tag)
        where added.tag <> all(tags)
    )
end;

comment on function add_tags is 'The tags with more tags at the end, each once.';
