-- What readers of the feed look for first: the prompt, how long the answer took, how it ended and whether it is right.
-- Requests that are already stored get the prompt, the latency, the ending and a search by id from `manage.py rescore`.

alter table requests
add column prompt text,
add column latency_ms double precision,
add column generated_tokens integer,
add column ending text,
add column is_correct boolean;

comment on column requests.prompt is 'The first characters of the prompt.';
comment on column requests.latency_ms is 'Duration of the inference, as reported or from its start to its end, in milliseconds.';
comment on column requests.generated_tokens is 'Number of tokens of the answer, as reported or counted without discarded ones.';
comment on column requests.ending is 'How the generation ended: stop, length, tool_calls, error, or the server''s word. Null: unknown.';
comment on column requests.is_correct is 'The latest outcome of the request that was not withdrawn.';
comment on column requests.search is 'The request_id, and the words of the request_id, the prompt and the final text, not stemmed.';

create or replace function count_curation() returns trigger language plpgsql as $$
begin
    if (old.tags, old.favorited_by, old.discussion_count, old.share_nonce, old.share_expires_at, old.is_correct)
        is distinct from
        (new.tags, new.favorited_by, new.discussion_count, new.share_nonce, new.share_expires_at, new.is_correct)
    then
        new.curation = old.curation + 1;
    end if;
    return new;
end
$$;

create function outcome_of(request requests) returns boolean language sql stable
return (
    select outcomes.correct
    from outcomes
    where
        outcomes.request_pk = request.id -- noqa: RF01
        and outcomes.correct is not null
    order by outcomes.recorded_at desc, outcomes.source asc
    limit 1
);

comment on function outcome_of is 'The latest outcome of a request that its source did not withdraw.';

create function update_outcome() returns trigger language plpgsql as $$
begin
    update requests
    set is_correct = outcome_of(requests)
    where
        requests.id = new.request_pk
        and requests.is_correct is distinct from outcome_of(requests);
    return null;
end
$$;

comment on function update_outcome is 'Keeps requests.is_correct up to date when an outcome is recorded.';

create trigger outcomes_update_outcome after insert or update on outcomes
for each row execute function update_outcome();

update requests
set is_correct = outcome_of(requests)
where requests.id in (select outcomes.request_pk from outcomes);

-- An id is one lexeme with a prefix that no word has, so that the start of an id can be searched with the same index.
create function id_lexeme(id text) returns text language sql immutable
return 'id:' || lower(left(id, 500));

comment on function id_lexeme is 'The lexeme of a request_id in requests.search. A lexeme has at most 2046 bytes.';

create function search_vector(request_id text, words text) returns tsvector language sql immutable
return array_to_tsvector(array[id_lexeme(request_id)])
|| to_tsvector('simple', regexp_replace(request_id, '[^[:alnum:]]+', ' ', 'g') || e'\n' || words);

comment on function search_vector is 'The value of requests.search.';

-- The text form of a tsquery has each lexeme in quotes, with quotes and backslashes doubled. `:*` after a lexeme makes
-- it a prefix. An excluded word stays whole: otherwise -art would exclude "article", too.
create function search_query(q text) returns tsquery language sql immutable
return case
    when q = '' then ''::tsquery
    else
        case
            when q ~* '^id:' then ''::tsquery
            else
                regexp_replace(
                    websearch_to_tsquery('simple', q)::text, '(?<!!)(''(?:[^''\\]|''''|\\\\)*'')', '\1:*', 'g'
                )::tsquery
        end
        || (
            ''''
            || replace(replace(id_lexeme(regexp_replace(q, '^id:\s*', '', 'i')), '\', '\\'), '''', '''''')
            || ''':*'
        )::tsquery
end;

comment on function search_query is
'The query of a search: all its words, each as the start of a word, or the start of an id; after id:, only an id.';

create or replace function request_matches(request requests, filters feed_filters) returns boolean
language sql immutable
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
and (filters.q is null or request.search @@ search_query(filters.q));

comment on column feed_filters.q is 'Words of the prompt and the final text, or an id, as search_query reads them.';

create or replace view feed as
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
    coalesce(requests.sequence_confidence, 2::double precision) as sort_confidence,
    requests.p_correct,
    calibrator_of(requests) as calibrator,
    requests.prompt,
    requests.latency_ms,
    requests.generated_tokens as tokens,
    case when requests.is_correct then 'correct' when not requests.is_correct then 'incorrect' end as outcome,
    requests.ending,
    requests.has_exception
from requests;
