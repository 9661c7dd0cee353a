-- The requests: one row per inference, with what the feed shows, filters and sorts by, and the document of each.

create table requests (
    id bigint generated always as identity primary key,
    request_id text not null,
    revision integer not null default 1,
    created_at timestamptz not null,
    completed_at timestamptz,
    ingested_at timestamptz not null default now(),
    model text,
    user_key_hmac bytea,
    user_key_label text,
    posted_by text not null,
    source text not null default 'quote',
    group_id text,
    active_mod text,
    mods text[] not null,
    final_text text,
    total_steps integer not null,
    k integer,
    tokens integer not null,
    tokens_with_distribution integer not null,
    sampled_tokens integer not null,
    sampled_in_top_k integer not null,
    scored_tokens integer not null,
    forced_tokens integer not null,
    discarded_tokens integer not null,
    masked_tokens integer not null,
    interventions integer not null,
    backtracks integer not null,
    sequence_confidence double precision,
    sequence_confidence_is_bound boolean,
    perplexity double precision,
    sequence_nll double precision,
    min_token_probability double precision,
    mean_token_entropy double precision,
    mean_token_negentropy double precision,
    min_token_negentropy double precision,
    probability_margin double precision,
    mean_confidence double precision,
    tail_confidence double precision,
    lowest_group_confidence double precision,
    bottom_10pct_group_confidence double precision,
    low_confidence_fraction double precision,
    group_confidence real[],
    scoring_version smallint not null default 0,
    has_exception boolean not null default false,
    search tsvector not null default '',
    stored_xid xid8 not null default pg_current_xact_id(),
    tags text[] not null default '{}',
    favorited_by text[] not null default '{}',
    discussion_count integer not null default 0,
    curation bigint not null default 0,
    share_nonce bytea,
    share_token_hash bytea,
    share_expires_at timestamptz,
    constraint requests_request_id_key unique (request_id),
    constraint requests_share_token_hash_key unique (share_token_hash),
    constraint requests_request_id_length check (length(request_id) between 1 and 512)
);

comment on table requests is 'One row per inference, with the columns that the feed shows, filters or sorts by.';
comment on column requests.request_id is 'The client''s id, the only one used outside the database.';
comment on column requests.revision is 'Number of traces posted under this id, from 1.';
comment on column requests.created_at is 'Start of the inference by the client''s clock, or the time of ingest if the trace has none.';
comment on column requests.total_steps is 'Number of forward passes.';
comment on column requests.active_mod is 'The mod that the request names, else the first mod called.';
comment on column requests.mods is 'Every mod named or called.';
comment on column requests.scored_tokens is 'Number of sampled tokens with a known probability or upper bound, the tokens in sequence_nll.';
comment on column requests.k is 'Length of the longest top-k list. Null if no pass had one.';
comment on column requests.sequence_confidence is 'exp(mean ln p) over the sampled tokens that were not discarded. See docs/CONFIDENCE.md.';
comment on column requests.sequence_nll is 'Sum of -ln p over the same tokens, in nats.';
comment on column requests.group_confidence is
'The lowest group confidence (32 tokens) in each of up to 32 equal parts of the request, in order, in nats.';
comment on column requests.scoring_version is 'Version of the scoring rules. `manage.py rescore` updates older scores.';
comment on column requests.user_key_hmac is
'The owner: HMAC-SHA256 of the user API key under THUNDER_SECRET. Null: owned by the admins.';
comment on column requests.user_key_label is 'Label of that key.';
comment on column requests.posted_by is 'Poster of the trace: open, admin, or key:<id of the first key of a rotation>.';
comment on column requests.source is 'Origin: quote, the shape of the response (openai, sglang, …), or the way in (litellm, otlp).';
comment on column requests.group_id is 'The id shared by the answers to one prompt, whose ids are <group_id>~0, <group_id>~1, …';
comment on column requests.share_nonce is 'Set while the request is public. The share token is derived from it and THUNDER_SECRET.';
comment on column requests.share_token_hash is 'SHA-256 of the share token.';
comment on column requests.curation is 'Number of edits to the row. With revision, the version of the log.';
comment on column requests.has_exception is 'Whether a mod''s handler raised an exception, or the call failed.';
comment on column requests.search is 'Words of the prompt and the final text, not stemmed.';
comment on column requests.stored_xid is
'Transaction that stored this revision. Streams compare it with a snapshot (docs/decisions/0008).';

create table request_traces (
    request_pk bigint primary key references requests (id) on delete cascade,
    format smallint not null,
    document bytea not null,
    document_bytes bigint not null,
    choice smallint not null default 0
);

-- The document is already a zstd frame, so compressing it again would waste time.
alter table request_traces alter column document set storage external;

comment on table request_traces is 'The document of each request. Everything else is derived from it.';
comment on column request_traces.choice is 'Position of the answer in the document, from 0.';
comment on column request_traces.format is
'Format of the document. 1: a Quote trace. 2: a JSON item. 3: Server-Sent Events. 4: a span. Readers reject unknown formats.';
comment on column request_traces.document is
'The posted body as one zstd frame, with labels in place of user API keys.';
comment on column request_traces.document_bytes is 'Length of the body before compression.';

create function count_curation() returns trigger language plpgsql as $$
begin
    if (old.tags, old.favorited_by, old.discussion_count, old.share_nonce, old.share_expires_at)
        is distinct from (new.tags, new.favorited_by, new.discussion_count, new.share_nonce, new.share_expires_at)
    then
        new.curation = old.curation + 1;
    end if;
    return new;
end
$$;

create trigger requests_count_curation before update on requests
for each row execute function count_curation();

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

-- The filters of the feed, the streams, the statistics and the exports. Python passes them as one tuple.
create type feed_filters as (
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
    q text,
    owner bytea
);

comment on type feed_filters is 'Filters of requests. A null matches every request. core/traces/filters.py has the same fields.';
comment on column feed_filters.q is 'Words of the prompt and the final text, as a web search.';
comment on column feed_filters.owner is 'The owner, as in requests.user_key_hmac.';

-- The planner inlines this function and removes null filters before it chooses an index. Requests without a confidence
-- sort last and fail every bound on it.
create function request_matches(request requests, filters feed_filters) returns boolean language sql immutable
return (filters.owner is null or request.user_key_hmac = filters.owner)
and (filters.model is null or request.model = filters.model)
and (filters.mod is null or request.mods @> array[filters.mod])
and (filters.tag is null or request.tags <> '{}' and request.tags @> array[filters.tag])
and (
    filters.favorited_by is null
    or request.favorited_by <> '{}' and request.favorited_by @> array[filters.favorited_by]
)
and (filters.created_from is null or request.created_at >= filters.created_from)
and (filters.created_to is null or request.created_at < filters.created_to)
and (filters.min_confidence is null or coalesce(request.sequence_confidence, 2) >= filters.min_confidence)
and (filters.min_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (filters.max_confidence is null or coalesce(request.sequence_confidence, 2) <= filters.max_confidence)
and (filters.max_confidence is null or coalesce(request.sequence_confidence, 2) <= 1)
and (filters.has_exception is null or request.has_exception = filters.has_exception)
and (filters.source is null or request.source = filters.source)
and (filters.group_id is null or request.group_id = filters.group_id)
and (filters.q is null or request.search @@ websearch_to_tsquery('simple', filters.q));

comment on function request_matches is 'Whether a request passes filters.';

create view feed as
select
    requests as request,
    requests.id,
    requests.request_id,
    requests.created_at as created_ts,
    requests.completed_at as finished_ts,
    requests.model as model_id,
    requests.user_key_label as user_api_key,
    requests.final_text,
    requests.total_steps,
    requests.favorited_by,
    requests.discussion_count,
    requests.active_mod,
    requests.tags,
    requests.sequence_confidence,
    requests.sequence_confidence_is_bound,
    requests.lowest_group_confidence,
    requests.group_confidence,
    requests.source,
    requests.group_id,
    requests.ingested_at,
    requests.revision,
    requests.curation,
    coalesce(requests.sequence_confidence, 2) as sort_confidence
from requests;

comment on view feed is 'The requests with the names that the feed and the streams give their columns.';
comment on column feed.request is 'The whole row, for request_matches.';
comment on column feed.sort_confidence is 'The confidence. Requests without one have 2, so they are listed last.';

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

-- Select a score by name, so that queries over any score need not list them.
create function score_of(request requests, score text) returns double precision language sql immutable
return case score
    when 'sequence_confidence' then request.sequence_confidence
    when 'perplexity' then request.perplexity
    when 'sequence_nll' then request.sequence_nll
    when 'min_token_probability' then request.min_token_probability
    when 'mean_token_entropy' then request.mean_token_entropy
    when 'mean_token_negentropy' then request.mean_token_negentropy
    when 'min_token_negentropy' then request.min_token_negentropy
    when 'probability_margin' then request.probability_margin
    when 'mean_confidence' then request.mean_confidence
    when 'tail_confidence' then request.tail_confidence
    when 'lowest_group_confidence' then request.lowest_group_confidence
    when 'bottom_10pct_group_confidence' then request.bottom_10pct_group_confidence
    when 'low_confidence_fraction' then request.low_confidence_fraction
end;

create index requests_newest on requests (created_at desc, id desc);
create index requests_newest_of_user on requests (user_key_hmac, created_at desc, id desc);
create index requests_of_model on requests (model, created_at desc, id desc);
create index requests_least_sure on requests ((coalesce(sequence_confidence, 2)), id);
create index requests_least_sure_of_user on requests (user_key_hmac, (coalesce(sequence_confidence, 2)), id);
create index requests_with_exception on requests (created_at desc, id desc) where has_exception;
create index requests_mods on requests using gin (mods);
-- Few requests have tags or favorites. These partial indexes exclude the others, so ingest does not write to them.
create index requests_tagged on requests (created_at desc, id desc) where tags <> '{}';
create index requests_favorited on requests (created_at desc, id desc) where favorited_by <> '{}';
create index requests_search on requests using gin (search);
create index requests_position on requests (stored_xid, id);
-- For retention, and for the age of the newest trace.
create index requests_ingested on requests (ingested_at);

-- Quote traces write to neither.
create index requests_of_source on requests (source, created_at desc, id desc) where source <> 'quote';
create index requests_of_group on requests (group_id, created_at desc, id desc) where group_id is not null;
