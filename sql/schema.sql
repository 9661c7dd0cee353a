-- The current schema: the result of all migrations. Written by `make schema`; don't edit it by hand.
-- tests/database/test_schema.py compares this file with the migrations.

CREATE TYPE public.feed_filters AS (
	model text,
	mod text,
	tag text,
	favorited_by text,
	created_from timestamp with time zone,
	created_to timestamp with time zone,
	min_confidence double precision,
	max_confidence double precision,
	has_exception boolean,
	source text,
	group_id text,
	q text,
	owner bytea
);

COMMENT ON TYPE public.feed_filters IS 'Filters of requests. A null matches every request. core/traces/filters.py has the same fields.';

COMMENT ON COLUMN public.feed_filters.q IS 'Words of the prompt and the final text, or an id, as search_query reads them.';

COMMENT ON COLUMN public.feed_filters.owner IS 'The owner, as in requests.user_key_hmac.';

CREATE TYPE public.storable_text AS (
	text text,
	key_hash bytea,
	user_key_hmac bytea,
	label text
);

COMMENT ON TYPE public.storable_text IS 'A text from a client, with its hashes and its label if it may be a key. See StorableText in core/access/session.py.';

CREATE FUNCTION public.add_tags(tags text[], more text[]) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (more <@ tags) THEN tags ELSE (tags || ARRAY(SELECT added.tag FROM unnest(add_tags.more) added(tag) WHERE (added.tag <> ALL (add_tags.tags)))) END;

COMMENT ON FUNCTION public.add_tags(tags text[], more text[]) IS 'The tags with more tags at the end, each once.';

CREATE TABLE public.calibrators (
    id bigint NOT NULL,
    user_key_hmac bytea,
    user_key_label text,
    for_users boolean NOT NULL,
    model text NOT NULL,
    k integer NOT NULL,
    logprobs_mode text,
    version integer NOT NULL,
    is_active boolean NOT NULL,
    score text NOT NULL,
    method text NOT NULL,
    knots double precision[],
    probabilities double precision[],
    slope double precision,
    intercept double precision,
    n integer NOT NULL,
    correct integer NOT NULL,
    labelled_from timestamp with time zone NOT NULL,
    labelled_to timestamp with time zone NOT NULL,
    quality jsonb NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT calibrators_for_users CHECK (((NOT for_users) OR (user_key_hmac IS NULL))),
    CONSTRAINT calibrators_parameters CHECK (
CASE method
    WHEN 'isotonic'::text THEN ((cardinality(knots) > 0) AND (cardinality(knots) = cardinality(probabilities)))
    WHEN 'platt'::text THEN ((slope IS NOT NULL) AND (intercept IS NOT NULL))
    ELSE false
END)
);

COMMENT ON TABLE public.calibrators IS 'Functions from a score to the probability that an answer is correct. One per owner, model, k and logprobs_mode is active.';

COMMENT ON COLUMN public.calibrators.user_key_hmac IS 'The owner, as in requests.user_key_hmac. It is fitted to this user''s requests and applied only to them. Null: fitted by an admin, to requests of all owners.';

COMMENT ON COLUMN public.calibrators.user_key_label IS 'Label of that key.';

COMMENT ON COLUMN public.calibrators.for_users IS 'Whether an admins'' calibrator applies to the requests of users that have none of their own.';

COMMENT ON COLUMN public.calibrators.version IS 'Counts the calibrators of one owner, model, k and logprobs_mode, from 1.';

COMMENT ON COLUMN public.calibrators.score IS 'The score that it converts, a column of requests.';

COMMENT ON COLUMN public.calibrators.method IS 'isotonic: linear between the knots, constant outside. platt: 1 / (1 + exp(slope * score + intercept)).';

COMMENT ON COLUMN public.calibrators.knots IS 'Isotonic: scores, ascending.';

COMMENT ON COLUMN public.calibrators.probabilities IS 'Isotonic: the probability at each knot.';

COMMENT ON COLUMN public.calibrators.n IS 'Number of labelled requests that it is fitted to.';

COMMENT ON COLUMN public.calibrators.correct IS 'Number of them that are correct.';

COMMENT ON COLUMN public.calibrators.labelled_from IS 'When the earliest of them began.';

COMMENT ON COLUMN public.calibrators.labelled_to IS 'When the latest of them began.';

COMMENT ON COLUMN public.calibrators.quality IS 'Cross-validated errors before and after calibration, as in the API.';

CREATE FUNCTION public.applies_to(calibrator public.calibrators, owner bytea, model text, k integer, logprobs_mode text) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN ((calibrator).is_active AND ((calibrator).model = model) AND ((calibrator).k = k) AND (NOT ((calibrator).logprobs_mode IS DISTINCT FROM logprobs_mode)) AND (((calibrator).user_key_hmac = owner) OR (((calibrator).user_key_hmac IS NULL) AND ((calibrator).for_users OR (owner IS NULL)))));

COMMENT ON FUNCTION public.applies_to(calibrator public.calibrators, owner bytea, model text, k integer, logprobs_mode text) IS 'Whether a calibrator applies to requests of an owner. The owner''s takes precedence over the admins''.';

CREATE FUNCTION public.assign_owner() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    moved record;
begin
    select
        former_owners.present_hmac,
        former_owners.present_label
    into moved
    from former_owners
    where former_owners.user_key_hmac = new.user_key_hmac and former_owners.present_hmac is not null;
    if found then
        new.user_key_hmac = moved.present_hmac;
        new.user_key_label = moved.present_label;
    end if;
    return new;
end
$$;

COMMENT ON FUNCTION public.assign_owner() IS 'Stores a request for the owner under the present secret if its rows have moved, although the process has the previous secret.';

CREATE FUNCTION public.audit_adoption() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    insert into audit_log (actor, action, subject, details)
    values (
        'command', 'database.adopt', 'database',
        jsonb_build_object('former_owner', old.app_name, 'owner', new.app_name)
    );
    return new;
end
$$;

COMMENT ON FUNCTION public.audit_adoption() IS 'Records a change of the database''s owner app in the audit log.';

CREATE FUNCTION public.begin_rotation(former_fingerprint text, present_fingerprint text) RETURNS bigint
    LANGUAGE plpgsql
    AS $$
declare
    waiting bigint;
    is_reversed boolean;
    settled bytea[];
begin
    select environment.previous_fingerprint is not distinct from present_fingerprint
    into is_reversed
    from environment
    for update;
    update environment
    set secret_fingerprint = present_fingerprint, previous_fingerprint = former_fingerprint
    where environment.secret_fingerprint = former_fingerprint;
    if not found then
        return null;
    end if;
    -- If the previous rotation is reversed, the owners that wait for it already have the present secret.
    settled = array(
        select former_owners.user_key_hmac from former_owners
        where is_reversed and former_owners.present_hmac is null
    );
    delete from former_owners;
    insert into former_owners (user_key_hmac, user_key_label)
    select
        owners.user_key_hmac,
        min(owners.user_key_label) as user_key_label
    from owners
    where owners.user_key_hmac <> all(settled)
    group by owners.user_key_hmac;
    get diagnostics waiting = row_count;
    return waiting;
end
$$;

COMMENT ON FUNCTION public.begin_rotation(former_fingerprint text, present_fingerprint text) IS 'Changes the secret of the database from the former to the present one, and notes the former owners. Returns their number, or null if it had another secret.';

CREATE FUNCTION public.calibrate_request() RETURNS trigger
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
begin
    select probability_of(calibrators, score_of(new, calibrators.score)), calibrators.id, calibrators.version
    into new.p_correct, new.calibrator_id, new.calibrator_version
    from calibrators
    where
        applies_to(calibrators, new.user_key_hmac, new.model, new.k, new.logprobs_mode)
        and score_of(new, calibrators.score) is not null
    order by calibrators.user_key_hmac nulls last
    limit 1;
    return new;
end
$$;

COMMENT ON FUNCTION public.calibrate_request() IS 'Applies the active calibrator to a request that is stored or scored again.';

CREATE TABLE public.requests (
    id bigint NOT NULL,
    request_id text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    ingested_at timestamp with time zone DEFAULT now() NOT NULL,
    model text,
    user_key_hmac bytea,
    user_key_label text,
    posted_by text NOT NULL,
    source text DEFAULT 'quote'::text NOT NULL,
    group_id text,
    active_mod text,
    mods text[] NOT NULL,
    final_text text,
    total_steps integer NOT NULL,
    k integer,
    tokens integer NOT NULL,
    tokens_with_distribution integer NOT NULL,
    sampled_tokens integer NOT NULL,
    sampled_in_top_k integer NOT NULL,
    scored_tokens integer NOT NULL,
    forced_tokens integer NOT NULL,
    discarded_tokens integer NOT NULL,
    masked_tokens integer NOT NULL,
    interventions integer NOT NULL,
    backtracks integer NOT NULL,
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
    scoring_version smallint DEFAULT 0 NOT NULL,
    has_exception boolean DEFAULT false NOT NULL,
    search tsvector DEFAULT ''::tsvector NOT NULL,
    stored_xid xid8 DEFAULT pg_current_xact_id() NOT NULL,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    favorited_by text[] DEFAULT '{}'::text[] NOT NULL,
    discussion_count integer DEFAULT 0 NOT NULL,
    curation bigint DEFAULT 0 NOT NULL,
    share_nonce bytea,
    share_token_hash bytea,
    share_expires_at timestamp with time zone,
    logprobs_mode text,
    p_correct double precision,
    calibrator_id bigint,
    calibrator_version integer,
    prompt text,
    latency_ms double precision,
    generated_tokens integer,
    ending text,
    is_correct boolean,
    CONSTRAINT requests_request_id_length CHECK (((length(request_id) >= 1) AND (length(request_id) <= 512)))
);

COMMENT ON TABLE public.requests IS 'One row per inference, with the columns that the feed shows, filters or sorts by.';

COMMENT ON COLUMN public.requests.request_id IS 'The client''s id, the only one used outside the database.';

COMMENT ON COLUMN public.requests.revision IS 'Number of traces posted under this id, from 1.';

COMMENT ON COLUMN public.requests.created_at IS 'Start of the inference by the client''s clock, or the time of ingest if the trace has none.';

COMMENT ON COLUMN public.requests.user_key_hmac IS 'The owner: HMAC-SHA256 of the user API key under THUNDER_SECRET. Null: owned by the admins.';

COMMENT ON COLUMN public.requests.user_key_label IS 'Label of that key.';

COMMENT ON COLUMN public.requests.posted_by IS 'Poster of the trace: open, admin, or key:<id of the first key of a rotation>.';

COMMENT ON COLUMN public.requests.source IS 'Origin: quote, the shape of the response (openai, sglang, …), or the way in (litellm, otlp).';

COMMENT ON COLUMN public.requests.group_id IS 'The id shared by the answers to one prompt: those of one item, whose ids are <group_id>~0, <group_id>~1, …, or as a Quote trace names it.';

COMMENT ON COLUMN public.requests.active_mod IS 'The mod that the request names, else the first mod called.';

COMMENT ON COLUMN public.requests.mods IS 'Every mod named or called.';

COMMENT ON COLUMN public.requests.total_steps IS 'Number of forward passes.';

COMMENT ON COLUMN public.requests.k IS 'Length of the longest top-k list. Null if no pass had one.';

COMMENT ON COLUMN public.requests.scored_tokens IS 'Number of sampled tokens with a known probability or upper bound, the tokens in sequence_nll.';

COMMENT ON COLUMN public.requests.sequence_confidence IS 'exp(mean ln p) over the sampled tokens that were not discarded. See docs/CONFIDENCE.md.';

COMMENT ON COLUMN public.requests.sequence_nll IS 'Sum of -ln p over the same tokens, in nats.';

COMMENT ON COLUMN public.requests.group_confidence IS 'The lowest group confidence (32 tokens) in each of up to 32 equal parts of the request, in order, in nats.';

COMMENT ON COLUMN public.requests.scoring_version IS 'Version of the scoring rules. `manage.py rescore` updates older scores.';

COMMENT ON COLUMN public.requests.has_exception IS 'Whether a mod''s handler raised an exception, or the call failed.';

COMMENT ON COLUMN public.requests.search IS 'The request_id, and the words of the request_id, the prompt and the final text, not stemmed.';

COMMENT ON COLUMN public.requests.stored_xid IS 'Transaction that stored this revision. Streams compare it with a snapshot (docs/decisions/0008).';

COMMENT ON COLUMN public.requests.curation IS 'Number of edits to the row. With revision, the version of the log.';

COMMENT ON COLUMN public.requests.share_nonce IS 'Set while the request is public. The share token is derived from it and THUNDER_SECRET.';

COMMENT ON COLUMN public.requests.share_token_hash IS 'SHA-256 of the share token.';

COMMENT ON COLUMN public.requests.logprobs_mode IS 'How the logprobs were computed, in the server''s terms, such as raw_logprobs. Null: not declared.';

COMMENT ON COLUMN public.requests.p_correct IS 'Calibrated probability that the answer is correct. Null: no calibrator applied.';

COMMENT ON COLUMN public.requests.calibrator_id IS 'The calibrator that computed p_correct. It may have been deleted since.';

COMMENT ON COLUMN public.requests.calibrator_version IS 'Its version.';

COMMENT ON COLUMN public.requests.prompt IS 'The first characters of the prompt.';

COMMENT ON COLUMN public.requests.latency_ms IS 'Duration of the inference, as reported or from its start to its end, in milliseconds.';

COMMENT ON COLUMN public.requests.generated_tokens IS 'Number of tokens of the answer, as reported or counted without discarded ones.';

COMMENT ON COLUMN public.requests.ending IS 'How the generation ended: stop, length, tool_calls, error, or the server''s word. Null: unknown.';

COMMENT ON COLUMN public.requests.is_correct IS 'The latest outcome of the request that was not withdrawn.';

CREATE FUNCTION public.calibrator_of(request public.requests) RETURNS jsonb
    LANGUAGE sql STABLE
    RETURN CASE WHEN ((request).calibrator_id IS NOT NULL) THEN jsonb_build_object('id', (request).calibrator_id, 'version', (request).calibrator_version) ELSE NULL::jsonb END;

COMMENT ON FUNCTION public.calibrator_of(request public.requests) IS 'The calibrator that computed p_correct, as in the API.';

CREATE FUNCTION public.count_curation() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
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

CREATE FUNCTION public.count_linked_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update requests
    set curation = curation + 1
    where
        id in (old.request_pk, new.request_pk)
        and old.request_pk is distinct from new.request_pk;
    return null;
end
$$;

COMMENT ON FUNCTION public.count_linked_run() IS 'Changes the version of a log whose run was stored or deleted.';

CREATE FUNCTION public.document_version(request public.requests, is_owned boolean) RETURNS text
    LANGUAGE sql STABLE
    RETURN concat_ws('.'::text, (request).id, (request).revision, EXTRACT(epoch FROM (request).ingested_at), is_owned);

COMMENT ON FUNCTION public.document_version(request public.requests, is_owned boolean) IS 'The version of the document as rendered for this reader. The key of the log cache.';

CREATE FUNCTION public.end_rotation() RETURNS boolean
    LANGUAGE plpgsql
    AS $$
begin
    update api_keys
    set user_key_hmac = null
    where
        api_keys.user_key_hmac in (select former_owners.user_key_hmac from former_owners)
        and not is_live(api_keys);
    delete from former_owners;
    update environment
    set previous_fingerprint = null
    where environment.previous_fingerprint is not null;
    return found;
end
$$;

COMMENT ON FUNCTION public.end_rotation() IS 'Forgets the owners under the previous secret, and the hashes of their revoked and expired keys.';

CREATE FUNCTION public.find_texts(pattern text, hashes bytea[]) RETURNS TABLE(path text, hits bigint)
    LANGUAGE plpgsql STABLE
    AS $_$
declare
    found record;
    condition text;
begin
    for found in
        select columns.table_name, columns.column_name, columns.udt_name::text as kind
        from information_schema.columns
        inner join information_schema.tables using (table_schema, table_name)
        where columns.table_schema = 'public' and tables.table_type = 'BASE TABLE'
        order by columns.table_name, columns.ordinal_position
    loop
        condition = case found.kind
            when 'bytea' then '%1$I = any($2)'
            when '_text' then 'array_to_string(%1$I, e''\n'') ~ $1'
            when 'text' then '%1$I ~ $1'
            when 'jsonb' then '%1$I::text ~ $1'
            when 'tsvector' then '%1$I::text ~* $1'
        end;
        continue when condition is null;
        path = found.table_name || '.' || found.column_name;
        execute format('select count(*) from %I where ' || format(condition, found.column_name), found.table_name)
        into hits using pattern, hashes;
        if hits > 0 then
            return next;
        end if;
    end loop;
end
$_$;

COMMENT ON FUNCTION public.find_texts(pattern text, hashes bytea[]) IS 'The columns (table.column) that match a pattern or contain a hash, with the number of rows.';

CREATE FUNCTION public.has_rows(owner bytea, only_live boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql STABLE
    AS $$
begin
    return
        exists (
            select from requests
            where requests.user_key_hmac = has_rows.owner
        )
        or exists (
            select from api_keys
            where api_keys.user_key_hmac = has_rows.owner and (not only_live or is_live(api_keys))
        )
        or exists (
            select from collections
            where collections.user_key_hmac = has_rows.owner
        )
        or exists (
            select from alerts
            where alerts.user_key_hmac = has_rows.owner
        )
        or exists (
            select from calibrators
            where calibrators.user_key_hmac = has_rows.owner
        )
        or exists (
            select from activation_runs
            where activation_runs.user_key_hmac = has_rows.owner
        );
end
$$;

COMMENT ON FUNCTION public.has_rows(owner bytea, only_live boolean) IS 'Whether an owner owns anything or, if only_live, anything but revoked and expired keys.';

CREATE FUNCTION public.hold_owner(app_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    lock table environment in share mode;
    perform require_owner(hold_owner.app_name);
end
$$;

COMMENT ON FUNCTION public.hold_owner(app_name text) IS 'Replaced by hold_stamp.';

CREATE FUNCTION public.hold_stamp(app_name text) RETURNS void
    LANGUAGE plpgsql
    AS $$
begin
    lock table environment in share mode;
    perform require_stamp(hold_stamp.app_name);
end
$$;

COMMENT ON FUNCTION public.hold_stamp(app_name text) IS 'Like require_stamp, and keeps the stamp unchanged until the transaction ends.';

CREATE FUNCTION public.id_lexeme(id text) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN ('id:'::text || lower("left"(id, 500)));

COMMENT ON FUNCTION public.id_lexeme(id text) IS 'The lexeme of a request_id in requests.search. A lexeme has at most 2046 bytes.';

CREATE TABLE public.alerts (
    id bigint NOT NULL,
    user_key_hmac bytea,
    name text NOT NULL,
    kind text NOT NULL,
    score text NOT NULL,
    fires_above boolean NOT NULL,
    threshold double precision,
    share double precision,
    window_s integer,
    filters jsonb NOT NULL,
    url text NOT NULL,
    include_prompt boolean NOT NULL,
    active boolean NOT NULL,
    secret_nonce bytea NOT NULL,
    previous_nonce bytea,
    previous_until timestamp with time zone,
    is_silent boolean DEFAULT false NOT NULL,
    evaluated_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT alerts_kind CHECK ((kind = ANY (ARRAY['threshold'::text, 'rate'::text, 'drift'::text, 'change'::text, 'exception'::text, 'silence'::text]))),
    CONSTRAINT alerts_name_length CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

COMMENT ON TABLE public.alerts IS 'Rules that send a webhook when they apply.';

COMMENT ON COLUMN public.alerts.user_key_hmac IS 'The owner, as in requests.user_key_hmac. Null: owned by the admins.';

COMMENT ON COLUMN public.alerts.fires_above IS 'Whether scores above the threshold are the uncertain ones.';

COMMENT ON COLUMN public.alerts.share IS 'Share of the requests of a window beyond the threshold, for the kind rate.';

COMMENT ON COLUMN public.alerts.window_s IS 'Length of the evaluated period. For threshold and exception: at most one event per window.';

COMMENT ON COLUMN public.alerts.filters IS 'The requests that the alert covers, with the fields of feed_filters.';

COMMENT ON COLUMN public.alerts.secret_nonce IS 'The signing secret is derived from it and THUNDER_SECRET.';

COMMENT ON COLUMN public.alerts.previous_nonce IS 'The nonce before the last rotation.';

COMMENT ON COLUMN public.alerts.previous_until IS 'Until then, webhooks are signed with the previous secret as well.';

COMMENT ON COLUMN public.alerts.is_silent IS 'Whether the present silence has had its event.';

COMMENT ON COLUMN public.alerts.evaluated_at IS 'Last evaluation of an alert of a period.';

CREATE FUNCTION public.is_due(alert public.alerts) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((alert).active AND ((alert).kind = ANY (ARRAY['rate'::text, 'drift'::text, 'change'::text, 'silence'::text])) AND COALESCE(((alert).evaluated_at < (now() - make_interval(secs => (GREATEST(60, ((alert).window_s / 12)))::double precision))), true));

COMMENT ON FUNCTION public.is_due(alert public.alerts) IS 'Whether to evaluate an alert of a period: twelve times per window, at most once a minute.';

CREATE TABLE public.api_keys (
    id bigint NOT NULL,
    root_id bigint,
    key_hash bytea NOT NULL,
    key_prefix text NOT NULL,
    name text NOT NULL,
    description text,
    is_admin boolean NOT NULL,
    scopes text[] NOT NULL,
    user_key_hmac bytea,
    user_key_label text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    last_used_at timestamp with time zone,
    expires_at timestamp with time zone,
    revoked_at timestamp with time zone,
    replaced_at timestamp with time zone,
    is_playground boolean DEFAULT false NOT NULL,
    CONSTRAINT api_keys_name_length CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

COMMENT ON TABLE public.api_keys IS 'Issued API keys. Each is shown once and stored as a hash.';

COMMENT ON COLUMN public.api_keys.root_id IS 'First key of the rotation, which identifies the poster of a trace. Null for the first key.';

COMMENT ON COLUMN public.api_keys.key_hash IS 'SHA-256 of the key, which has 256 random bits.';

COMMENT ON COLUMN public.api_keys.user_key_hmac IS 'The user whose requests the key can see or post, unless it is an admin key. See requests.user_key_hmac.';

COMMENT ON COLUMN public.api_keys.last_used_at IS 'Accurate to five minutes, so that not every request writes.';

COMMENT ON COLUMN public.api_keys.replaced_at IS 'When a rotation created its successor. The key stays live until the overlap ends.';

COMMENT ON COLUMN public.api_keys.is_playground IS 'Whether POST /playground/api-key created the key. Its requests are those with this key as user_api_key.';

CREATE FUNCTION public.is_live(issued public.api_keys) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((issued).revoked_at IS NULL) AND COALESCE(((issued).expires_at > now()), true));

COMMENT ON FUNCTION public.is_live(issued public.api_keys) IS 'Whether a key may be used: neither revoked nor expired.';

CREATE TABLE public.legal_holds (
    request_pk bigint NOT NULL,
    reason text NOT NULL,
    held_by text NOT NULL,
    held_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT legal_holds_reason_length CHECK (((length(reason) >= 1) AND (length(reason) <= 1000)))
);

COMMENT ON TABLE public.legal_holds IS 'Requests that must not be deleted or replaced.';

COMMENT ON COLUMN public.legal_holds.held_by IS 'Actor that set the hold, as in audit_log.actor.';

CREATE FUNCTION public.is_on_hold(request public.requests) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN ((request).id IN (SELECT legal_holds.request_pk FROM public.legal_holds));

COMMENT ON FUNCTION public.is_on_hold(request public.requests) IS 'Whether a request is on legal hold.';

CREATE FUNCTION public.is_public(request public.requests) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (((request).share_nonce IS NOT NULL) AND COALESCE(((request).share_expires_at > now()), true));

COMMENT ON FUNCTION public.is_public(request public.requests) IS 'Whether a request is public: it has a link that has not expired.';

CREATE TABLE public.activation_runs (
    id bigint NOT NULL,
    request_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    user_key_hmac bytea,
    user_key_label text,
    is_keyless boolean NOT NULL,
    model_id text NOT NULL,
    prompt_chars integer NOT NULL,
    output_tokens integer NOT NULL,
    activation_rows_count integer NOT NULL,
    unique_features_count integer NOT NULL,
    sae_enabled boolean NOT NULL,
    sae_id text,
    sae_layer integer,
    duration_ms bigint NOT NULL,
    status text NOT NULL,
    error_message text,
    top_features_preview bigint[] NOT NULL,
    trace_request_id text,
    request_pk bigint,
    CONSTRAINT activation_runs_status CHECK ((status = ANY (ARRAY['ok'::text, 'error'::text])))
);

COMMENT ON TABLE public.activation_runs IS 'One row per run of the activations page, failed ones included.';

COMMENT ON COLUMN public.activation_runs.request_id IS 'The id of the run: ax-<32 hex digits>, or as the caller chose.';

COMMENT ON COLUMN public.activation_runs.user_key_hmac IS 'The owner, as in requests.user_key_hmac. Null: owned by the admins, or run without a key.';

COMMENT ON COLUMN public.activation_runs.user_key_label IS 'Label of that key.';

COMMENT ON COLUMN public.activation_runs.is_keyless IS 'Whether it was run without a key, so that callers without a key see it.';

COMMENT ON COLUMN public.activation_runs.output_tokens IS 'Number of tokens of the whole sequence, the prompt included.';

COMMENT ON COLUMN public.activation_runs.activation_rows_count IS 'Number of pairs of a token and a feature in the timeline.';

COMMENT ON COLUMN public.activation_runs.duration_ms IS 'How long the HF server took. 0 if it failed.';

COMMENT ON COLUMN public.activation_runs.error_message IS 'Why the run failed.';

COMMENT ON COLUMN public.activation_runs.top_features_preview IS 'The features with the highest activations, at most 20.';

COMMENT ON COLUMN public.activation_runs.trace_request_id IS 'The request_id of the trace that the HF server posts for the run.';

COMMENT ON COLUMN public.activation_runs.request_pk IS 'That trace, once it is stored. It takes the run with it when it is deleted.';

CREATE FUNCTION public.is_visible(run public.activation_runs, sees_all boolean, is_keyless boolean, owner bytea) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (sees_all OR (is_keyless AND (run).is_keyless) OR COALESCE(((run).user_key_hmac = owner), false));

COMMENT ON FUNCTION public.is_visible(run public.activation_runs, sees_all boolean, is_keyless boolean, owner bytea) IS 'Whether a caller sees a run. Admins see all, callers without a key those without a key, others their own.';

CREATE FUNCTION public.link_activation_run() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    -- A run and its trace may be stored at the same time. The one that is second sees the first.
    perform pg_advisory_xact_lock(hashtextextended(new.request_id, 0));
    update activation_runs
    set request_pk = new.id, updated_at = now()
    where id = (
        select min(runs.id)
        from activation_runs as runs
        where runs.trace_request_id = new.request_id and may_link(runs, new)
    );
    return null;
end
$$;

COMMENT ON FUNCTION public.link_activation_run() IS 'Links a new trace to the oldest of its runs.';

CREATE FUNCTION public.link_receipt() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
declare
    head record;
begin
    select receipts, deletion_chain.chain into strict head from deletion_chain for update;
    new.ordinal = head.receipts + 1;
    new.chain = receipt_hash(new, head.chain);
    update deletion_chain set receipts = new.ordinal, chain = new.chain;
    return new;
end
$$;

COMMENT ON FUNCTION public.link_receipt() IS 'Appends a receipt to the chain. Serializes the transactions that delete.';

CREATE TABLE public.former_owners (
    user_key_hmac bytea NOT NULL,
    user_key_label text,
    present_hmac bytea,
    present_label text
);

COMMENT ON TABLE public.former_owners IS 'While the secret is rotated: the owners under the previous secret. Empty otherwise.';

COMMENT ON COLUMN public.former_owners.user_key_hmac IS 'The owner under the previous secret, as in requests.user_key_hmac.';

COMMENT ON COLUMN public.former_owners.user_key_label IS 'Its label.';

COMMENT ON COLUMN public.former_owners.present_hmac IS 'The same owner under the present secret. Null: its rows have not moved yet.';

COMMENT ON COLUMN public.former_owners.present_label IS 'Its label under the present secret.';

CREATE FUNCTION public.mask_key(said public.storable_text) RETURNS text
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT api_keys.name FROM public.api_keys WHERE (api_keys.key_hash = (mask_key.said).key_hash)), (SELECT former_owners.present_label FROM public.former_owners WHERE ((former_owners.user_key_hmac = substr((mask_key.said).user_key_hmac, 1, 32)) AND (former_owners.present_hmac IS NOT NULL))), CASE WHEN ((EXISTS (SELECT FROM public.requests WHERE (requests.user_key_hmac = ANY (ARRAY[substr((mask_key.said).user_key_hmac, 1, 32), substr((mask_key.said).user_key_hmac, 33)])))) OR (EXISTS (SELECT FROM public.api_keys WHERE (api_keys.user_key_hmac = ANY (ARRAY[substr((mask_key.said).user_key_hmac, 1, 32), substr((mask_key.said).user_key_hmac, 33)]))))) THEN (said).label ELSE (said).text END);

COMMENT ON FUNCTION public.mask_key(said public.storable_text) IS 'The text to store: for a key, the name of the issued key, live or not, or the label of the user API key.';

CREATE FUNCTION public.may_link(run public.activation_runs, request public.requests) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN (((run).request_pk IS NULL) AND (((request).user_key_hmac IS NULL) OR ((request).user_key_hmac = (run).user_key_hmac)));

COMMENT ON FUNCTION public.may_link(run public.activation_runs, request public.requests) IS 'Whether a run and its trace can be linked. A trace with an owner is linked only to a run of this owner.';

CREATE FUNCTION public.move_activation_runs() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update activation_runs
    set user_key_hmac = new.present_hmac, user_key_label = new.present_label
    where user_key_hmac = new.user_key_hmac;
    return null;
end
$$;

COMMENT ON FUNCTION public.move_activation_runs() IS 'Moves the runs of an owner whose rows move to the present secret (move_owner).';

CREATE FUNCTION public.move_owner(former bytea, former_label text, present bytea, present_label text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    had_calibrators boolean;
begin
    perform pg_advisory_xact_lock(hashtextextended('thunder owner ' || encode(former, 'hex'), 0));
    if not has_rows(former) then
        return;  -- another process has moved them
    end if;
    insert into former_owners (user_key_hmac, user_key_label, present_hmac, present_label)
    values (former, former_label, present, present_label)
    on conflict (user_key_hmac) do update
        set
            user_key_label = excluded.user_key_label,
            present_hmac = excluded.present_hmac,
            present_label = excluded.present_label;

    -- In the order in which deletions lock them.
    perform requests.id from requests
    where requests.user_key_hmac = former
    order by requests.id
    for no key update;
    update requests
    set user_key_hmac = present, user_key_label = present_label, curation = requests.curation + 1
    where requests.user_key_hmac = former;
    update api_keys
    set user_key_hmac = present, user_key_label = present_label
    where api_keys.user_key_hmac = former;
    update sign_ins
    set user_key_hmac = present
    where sign_ins.user_key_hmac = former;
    update alerts
    set user_key_hmac = present
    where alerts.user_key_hmac = former;
    -- The owner may already have collections and calibrators under the present secret, with the same names and versions.
    update collections
    set
        user_key_hmac = present,
        name = case
            when exists (
                select from collections as others
                where others.user_key_hmac = present and others.name = collections.name
            ) then left(collections.name, 170) || ' (' || collections.id || ')'
            else collections.name
        end
    where collections.user_key_hmac = former;
    had_calibrators = exists (
        select from calibrators
        where calibrators.user_key_hmac = present
    );
    update calibrators
    set
        user_key_hmac = present,
        user_key_label = present_label,
        version = calibrators.version + earlier.versions,
        is_active = calibrators.is_active and not earlier.is_active
    from calibrators as moved
    cross join lateral (
        select
            coalesce(max(others.version), 0) as versions,
            coalesce(bool_or(others.is_active), false) as is_active
        from calibrators as others
        where
            others.user_key_hmac = present
            and others.model = moved.model
            and others.k = moved.k
            and others.logprobs_mode is not distinct from moved.logprobs_mode
    ) as earlier
    where calibrators.id = moved.id and moved.user_key_hmac = former;
    if had_calibrators then
        update requests
        set calibrator_version = calibrators.version
        from calibrators
        where
            requests.user_key_hmac = present
            and requests.calibrator_id = calibrators.id
            and requests.calibrator_version <> calibrators.version;
    end if;

    -- People wrote the label elsewhere, too: as the author of a comment, for example.
    update requests
    set favorited_by = replace_label(requests.favorited_by, former_label, present_label)
    where requests.favorited_by <> '{}' and strpos(array_to_string(requests.favorited_by, ' '), former_label) > 0;
    update requests
    set tags = replace_label(requests.tags, former_label, present_label)
    where requests.tags <> '{}' and strpos(array_to_string(requests.tags, ' '), former_label) > 0;
    update discussions
    set
        username = replace(discussions.username, former_label, present_label),
        comment = replace(discussions.comment, former_label, present_label)
    where strpos(concat_ws(' ', discussions.username, discussions.comment), former_label) > 0;
    update collections
    set
        created_by = replace(collections.created_by, former_label, present_label),
        description = replace(collections.description, former_label, present_label)
    where strpos(concat_ws(' ', collections.created_by, collections.description), former_label) > 0;
    update collections
    set name = replace(collections.name, former_label, present_label)
    where
        strpos(collections.name, former_label) > 0
        and not exists (
            select from collections as others
            where
                others.user_key_hmac is not distinct from collections.user_key_hmac
                and others.name = replace(collections.name, former_label, present_label)
        );
    update collection_members
    set
        added_by = replace(collection_members.added_by, former_label, present_label),
        notes = replace(collection_members.notes, former_label, present_label)
    where strpos(concat_ws(' ', collection_members.added_by, collection_members.notes), former_label) > 0;
    update outcomes
    set note = replace(outcomes.note, former_label, present_label)
    where strpos(outcomes.note, former_label) > 0;
    update alerts
    set name = replace(alerts.name, former_label, present_label)
    where strpos(alerts.name, former_label) > 0;
    update alerts
    set filters = jsonb_set(
        alerts.filters, '{tag}', to_jsonb(replace(alerts.filters ->> 'tag', former_label, present_label))
    )
    where strpos(alerts.filters ->> 'tag', former_label) > 0;
    perform pg_notify('thunder_logs', '');
end
$$;

COMMENT ON FUNCTION public.move_owner(former bytea, former_label text, present bytea, present_label text) IS 'Moves all rows of an owner under the previous secret to the same owner under the present one, and replaces the label.';

CREATE TABLE public.collection_members (
    collection_id bigint NOT NULL,
    request_pk bigint NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text,
    notes text
);

COMMENT ON TABLE public.collection_members IS 'The requests in each collection. A user''s collection has only that user''s requests.';

CREATE TABLE public.collections (
    id bigint NOT NULL,
    name text NOT NULL,
    description text,
    created_by text,
    user_key_hmac bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    share_nonce bytea,
    share_token_hash bytea,
    CONSTRAINT collections_name_length CHECK (((length(name) >= 1) AND (length(name) <= 200)))
);

COMMENT ON TABLE public.collections IS 'Named sets of requests. A name is unique per owner.';

COMMENT ON COLUMN public.collections.created_by IS 'Author as given by the client, with a label in place of a user API key.';

COMMENT ON COLUMN public.collections.user_key_hmac IS 'The owner, as in requests.user_key_hmac. Null: owned by the admins.';

COMMENT ON COLUMN public.collections.share_nonce IS 'Set while the collection is public. The share token is derived from it and THUNDER_SECRET.';

COMMENT ON COLUMN public.collections.share_token_hash IS 'SHA-256 of the share token.';

CREATE FUNCTION public.open_link(token_hash bytea, request_id text) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT requests.id FROM public.requests WHERE ((open_link.request_id IS NULL) AND (requests.share_token_hash = open_link.token_hash) AND COALESCE((requests.share_expires_at > now()), true)) UNION ALL SELECT requests.id FROM ((public.requests JOIN public.collection_members ON ((requests.id = collection_members.request_pk))) JOIN public.collections ON ((collection_members.collection_id = collections.id))) WHERE ((requests.request_id = open_link.request_id) AND (collections.share_token_hash = open_link.token_hash) AND ((collections.user_key_hmac IS NULL) OR (requests.user_key_hmac = collections.user_key_hmac))));

COMMENT ON FUNCTION public.open_link(token_hash bytea, request_id text) IS 'The request that a link opens, or null. With an id: a member of a public collection. Without: the request with this link.';

CREATE TABLE public.outcomes (
    request_pk bigint NOT NULL,
    source text NOT NULL,
    correct boolean,
    note text,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT outcomes_source_length CHECK (((length(source) >= 1) AND (length(source) <= 200)))
);

COMMENT ON TABLE public.outcomes IS 'The latest outcome of a request from each source. Null: the source withdrew it.';

COMMENT ON COLUMN public.outcomes.source IS 'Source of the outcome: a test suite, a person, another model.';

CREATE FUNCTION public.outcome_of(request public.requests) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (SELECT outcomes.correct FROM public.outcomes WHERE ((outcomes.request_pk = (outcome_of.request).id) AND (outcomes.correct IS NOT NULL)) ORDER BY outcomes.recorded_at DESC, outcomes.source LIMIT 1);

COMMENT ON FUNCTION public.outcome_of(request public.requests) IS 'The latest outcome of a request that its source did not withdraw.';

CREATE FUNCTION public.present_owner(owner bytea) RETURNS bytea
    LANGUAGE sql STABLE
    RETURN COALESCE((SELECT former_owners.present_hmac FROM public.former_owners WHERE (former_owners.user_key_hmac = present_owner.owner)), owner);

COMMENT ON FUNCTION public.present_owner(owner bytea) IS 'The owner, or what its rows have moved to. A process that still has the previous secret passes the former owner.';

CREATE FUNCTION public.probability_of(calibrator public.calibrators, score double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE
    AS $$
select
    case
        when calibrator.method = 'platt'
            then 1 / (1 + exp(greatest(-700, least(700, calibrator.slope * found.x + calibrator.intercept))))
        when found.i = 0 then calibrator.probabilities[1]
        when found.i = cardinality(calibrator.knots) then calibrator.probabilities[found.i]
        else
            calibrator.probabilities[found.i]
            + (calibrator.probabilities[found.i + 1] - calibrator.probabilities[found.i])
            * ((found.x - calibrator.knots[found.i]) / (calibrator.knots[found.i + 1] - calibrator.knots[found.i]))
    end
from (
    select
        bounded.x,
        width_bucket(bounded.x, calibrator.knots) as i
    from (
        select
            case
                when abs(score) < double precision '1e-150' then 0
                else greatest(double precision '-1e150', least(double precision '1e150', score))
            end as x
    ) as bounded
) as found
$$;

COMMENT ON FUNCTION public.probability_of(calibrator public.calibrators, score double precision) IS 'The probability that a calibrator derives from a score. Extreme scores are limited, because Postgres raises an error if a float overflows or underflows.';

CREATE FUNCTION public.raise_alerts(request_ids text[], most_waiting bigint) RETURNS bigint
    LANGUAGE plpgsql
    SET plan_cache_mode TO 'force_generic_plan'
    AS $$
declare
    raised bigint;
begin
    if not exists (select from alerts where alerts.active and alerts.kind in ('threshold', 'exception')) then
        return 0;
    end if;
    insert into alert_events (alert_id, kind, dedup_key, request_pk, value, threshold)
    select
        alerts.id as alert_id,
        alerts.kind,
        case
            when alerts.window_s is null then 'request ' || requests.id
            else concat_ws(' ', 'window', alerts.window_s, floor(extract(epoch from now()) / alerts.window_s))
        end as dedup_key,
        requests.id as request_pk,
        case when alerts.kind = 'threshold' then scored.value end as value,
        alerts.threshold
    from alerts
    cross join lateral jsonb_populate_record(null::feed_filters, alerts.filters) as covered
    inner join requests on alerts.user_key_hmac is null or alerts.user_key_hmac = requests.user_key_hmac
    cross join lateral score_of(requests, alerts.score) as scored (value)
    where
        alerts.active
        and alerts.kind in ('threshold', 'exception')
        and requests.request_id = any(request_ids)
        and case
            when alerts.kind = 'exception' then requests.has_exception
            when alerts.fires_above then scored.value > alerts.threshold
            else scored.value < alerts.threshold
        end
        and request_matches(requests, covered)
        and (
            select count(*)
            from (
                select alert_events.id from alert_events
                where alert_events.alert_id = alerts.id and alert_events.status = 'waiting'
                order by alert_events.next_attempt_at
                limit most_waiting
            ) as waiting
        ) < most_waiting
    -- In the same order everywhere, because inserting the event of a window may wait for another ingest to commit.
    order by alerts.id, requests.id
    -- Without the lock, an alert that is deleted in the meantime would fail the ingest.
    for key share of alerts
    on conflict on constraint alert_events_dedup_key do nothing;
    get diagnostics raised = row_count;
    return raised;
end
$$;

COMMENT ON FUNCTION public.raise_alerts(request_ids text[], most_waiting bigint) IS 'Inserts the events of the alerts that stored requests raise, and returns their number.';

CREATE TABLE public.deletions (
    id bigint NOT NULL,
    request_sha256 bytea NOT NULL,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL,
    deleted_by text NOT NULL,
    reason text NOT NULL,
    document_bytes bigint NOT NULL,
    steps bigint NOT NULL,
    summaries bigint NOT NULL,
    mod_calls bigint NOT NULL,
    mod_logs bigint NOT NULL,
    actions bigint NOT NULL,
    discussions bigint NOT NULL,
    outcomes bigint NOT NULL,
    memberships bigint NOT NULL,
    ordinal bigint NOT NULL,
    chain bytea NOT NULL,
    CONSTRAINT deletions_reason CHECK ((reason = ANY (ARRAY['request'::text, 'user'::text, 'age'::text])))
);

COMMENT ON TABLE public.deletions IS 'One receipt per deleted request. Nothing else of the request remains.';

COMMENT ON COLUMN public.deletions.request_sha256 IS 'SHA-256 of the request''s id, to find the receipt of a known id.';

COMMENT ON COLUMN public.deletions.deleted_by IS 'user, admin, key:<id>, command or retention.';

COMMENT ON COLUMN public.deletions.reason IS 'request: deleted by id. user: deleted with all of the user''s requests. age: expired by retention.';

COMMENT ON COLUMN public.deletions.document_bytes IS 'Size of the posted document.';

COMMENT ON COLUMN public.deletions.ordinal IS 'Position in the chain, from 1, without gaps.';

COMMENT ON COLUMN public.deletions.chain IS 'SHA-256 over the previous receipt''s hash and this receipt (receipt_hash).';

CREATE FUNCTION public.receipt_hash(receipt public.deletions, previous bytea) RETURNS bytea
    LANGUAGE sql STABLE
    RETURN sha256((previous || convert_to(concat_ws('|'::text, (receipt).ordinal, encode((receipt).request_sha256, 'hex'::text), EXTRACT(epoch FROM (receipt).deleted_at), (receipt).deleted_by, (receipt).reason, (receipt).document_bytes, (receipt).steps, (receipt).summaries, (receipt).mod_calls, (receipt).mod_logs, (receipt).actions, (receipt).discussions, (receipt).outcomes, (receipt).memberships), 'UTF8'::name)));

COMMENT ON FUNCTION public.receipt_hash(receipt public.deletions, previous bytea) IS 'The hash of a receipt that follows the receipt with the previous hash.';

CREATE FUNCTION public.recent_calls(calls timestamp with time zone[], period interval) RETURNS timestamp with time zone[]
    LANGUAGE sql STABLE
    RETURN ARRAY(SELECT called.called_at FROM unnest(recent_calls.calls) called(called_at) WHERE (called.called_at > (now() - recent_calls.period)));

COMMENT ON FUNCTION public.recent_calls(calls timestamp with time zone[], period interval) IS 'The calls within the last period.';

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    raise exception '% is append-only; rows cannot be changed or deleted', tg_table_name;
end
$$;

COMMENT ON FUNCTION public.refuse_change() IS 'Keeps a table append-only.';

CREATE FUNCTION public.replace_label(texts text[], former text, present text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN ARRAY(SELECT replace(listed.text, replace_label.former, replace_label.present) AS shown FROM unnest(replace_label.texts) WITH ORDINALITY listed(text, place) GROUP BY (replace(listed.text, replace_label.former, replace_label.present)) ORDER BY (min(listed.place)));

COMMENT ON FUNCTION public.replace_label(texts text[], former text, present text) IS 'The texts with a new label in place of a former one, each once.';

CREATE FUNCTION public.request_count(collection public.collections) RETURNS bigint
    LANGUAGE sql STABLE
    RETURN (SELECT count(*) AS count FROM public.collection_members WHERE (collection_members.collection_id = (request_count.collection).id));

COMMENT ON FUNCTION public.request_count(collection public.collections) IS 'The number of requests in a collection, as a computed column.';

CREATE FUNCTION public.search_query(q text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN (q = ''::text) THEN ''::tsquery ELSE (CASE WHEN (q ~* '^id:'::text) THEN ''::tsquery ELSE (regexp_replace(regexp_replace((websearch_to_tsquery('simple'::regconfig, q))::text, '(?<!<-> )''([^''-]+)-[^'']+'' <-> ''\1'''::text, '''\1'''::text, 'g'::text), '(?<!!)(''(?:[^''\\]|''''|\\\\)*'')'::text, '\1:*'::text, 'g'::text))::tsquery END || (((''''::text || replace(replace(public.id_lexeme(regexp_replace(q, '^id:\s*'::text, ''::text, 'i'::text)), '\'::text, '\\'::text), ''''::text, ''''''::text)) || ''':*'::text))::tsquery) END;

COMMENT ON FUNCTION public.search_query(q text) IS 'The query of a search: all its words, each as the start of a word, or the start of an id; after id:, only an id.';

CREATE FUNCTION public.request_matches(request public.requests, filters public.feed_filters) RETURNS boolean
    LANGUAGE sql IMMUTABLE
    RETURN ((((filters).owner IS NULL) OR ((request).user_key_hmac = (filters).owner)) AND (((filters).model IS NULL) OR ((request).model = (filters).model)) AND (((filters).mod IS NULL) OR ((request).mods @> ARRAY[(filters).mod])) AND (((filters).tag IS NULL) OR (((request).tags <> '{}'::text[]) AND ((request).tags @> ARRAY[(filters).tag]))) AND (((filters).favorited_by IS NULL) OR (((request).favorited_by <> '{}'::text[]) AND ((request).favorited_by @> ARRAY[(filters).favorited_by]))) AND (((filters).created_from IS NULL) OR ((request).created_at >= (filters).created_from)) AND (((filters).created_to IS NULL) OR ((request).created_at < (filters).created_to)) AND (((filters).min_confidence IS NULL) OR (COALESCE((request).sequence_confidence, (2)::double precision) >= (filters).min_confidence)) AND (((filters).min_confidence IS NULL) OR (COALESCE((request).sequence_confidence, (2)::double precision) <= (1)::double precision)) AND (((filters).max_confidence IS NULL) OR (COALESCE((request).sequence_confidence, (2)::double precision) <= (filters).max_confidence)) AND (((filters).max_confidence IS NULL) OR (COALESCE((request).sequence_confidence, (2)::double precision) <= (1)::double precision)) AND (((filters).has_exception IS NULL) OR ((request).has_exception = (filters).has_exception)) AND (((filters).source IS NULL) OR ((request).source = (filters).source)) AND (((filters).group_id IS NULL) OR ((request).group_id = (filters).group_id)) AND (((filters).q IS NULL) OR ((request).search @@ public.search_query((filters).q))));

COMMENT ON FUNCTION public.request_matches(request public.requests, filters public.feed_filters) IS 'Whether a request passes filters.';

CREATE FUNCTION public.request_version(request public.requests, is_owned boolean) RETURNS text
    LANGUAGE sql STABLE
    RETURN md5(concat_ws(' '::text, (request).id, EXTRACT(epoch FROM (request).ingested_at), (request).revision, (request).curation, is_owned, public.is_public(request)));

COMMENT ON FUNCTION public.request_version(request public.requests, is_owned boolean) IS 'The version of a log as this reader sees it, part of its ETag.';

CREATE FUNCTION public.require_owner(app_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    owner text;
begin
    select environment.app_name into owner from environment;
    if owner is null then
        raise exception 'this database has no owner yet; run `manage.py migrate`' using errcode = 'TH001';
    elsif owner is distinct from require_owner.app_name then
        raise exception using
            errcode = 'TH001',
            message = format(
                'this database belongs to %1$s; this app is %2$s; set DATABASE_URL to a database of %2$s, '
                'or take over this one with `manage.py adopt --app-name %2$s`',
                owner, require_owner.app_name
            );
    end if;
end
$_$;

COMMENT ON FUNCTION public.require_owner(app_name text) IS 'Replaced by require_stamp.';

CREATE FUNCTION public.require_present_secret(fingerprint text) RETURNS void
    LANGUAGE plpgsql
    AS $$
declare
    known record;
begin
    select environment.* into known from environment;
    if known.previous_fingerprint = require_present_secret.fingerprint then
        raise exception 'THUNDER_SECRET: changed since this server started; try again' using errcode = 'TH002';
    end if;
    if known.secret_fingerprint <> require_present_secret.fingerprint then
        raise exception 'THUNDER_SECRET: this server does not have the secret of the database; see the warnings of /healthz'
        using errcode = 'TH002';
    end if;
end
$$;

COMMENT ON FUNCTION public.require_present_secret(fingerprint text) IS 'Raises TH002 if a process does not have the present secret of the database.';

CREATE FUNCTION public.require_stamp(app_name text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
declare
    stamped text;
begin
    select environment.app_name into stamped from environment;
    if stamped is null then
        raise exception 'database: has no stamp yet; run `manage.py migrate`' using errcode = 'TH001';
    elsif stamped is distinct from require_stamp.app_name then
        raise exception using
            errcode = 'TH001',
            message = format(
                'database: belongs to %1$s; this app is %2$s; set DATABASE_URL to a database of %2$s, '
                'or take over this one with `manage.py adopt --app-name %2$s`',
                stamped, require_stamp.app_name
            );
    end if;
end
$_$;

COMMENT ON FUNCTION public.require_stamp(app_name text) IS 'Raises TH001 unless the database belongs to the app.';

CREATE FUNCTION public.score_of(request public.requests, score text) RETURNS double precision
    LANGUAGE sql IMMUTABLE
    RETURN CASE score WHEN 'sequence_confidence'::text THEN (request).sequence_confidence WHEN 'perplexity'::text THEN (request).perplexity WHEN 'sequence_nll'::text THEN (request).sequence_nll WHEN 'min_token_probability'::text THEN (request).min_token_probability WHEN 'mean_token_entropy'::text THEN (request).mean_token_entropy WHEN 'mean_token_negentropy'::text THEN (request).mean_token_negentropy WHEN 'min_token_negentropy'::text THEN (request).min_token_negentropy WHEN 'probability_margin'::text THEN (request).probability_margin WHEN 'mean_confidence'::text THEN (request).mean_confidence WHEN 'tail_confidence'::text THEN (request).tail_confidence WHEN 'lowest_group_confidence'::text THEN (request).lowest_group_confidence WHEN 'bottom_10pct_group_confidence'::text THEN (request).bottom_10pct_group_confidence WHEN 'low_confidence_fraction'::text THEN (request).low_confidence_fraction WHEN 'p_correct'::text THEN (request).p_correct ELSE NULL::double precision END;

CREATE FUNCTION public.search_vector(request_id text, words text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE
    RETURN (array_to_tsvector(ARRAY[public.id_lexeme(request_id)]) || to_tsvector('simple'::regconfig, ((regexp_replace(request_id, '[^[:alnum:]]+'::text, ' '::text, 'g'::text) || '
'::text) || words)));

COMMENT ON FUNCTION public.search_vector(request_id text, words text) IS 'The value of requests.search.';

CREATE FUNCTION public.update_outcome() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
begin
    update requests
    set is_correct = outcome_of(requests)
    where
        requests.id = new.request_pk
        and requests.is_correct is distinct from outcome_of(requests);
    return null;
end
$$;

COMMENT ON FUNCTION public.update_outcome() IS 'Keeps requests.is_correct up to date when an outcome is recorded.';

CREATE TABLE public.actions (
    request_pk bigint NOT NULL,
    call_index integer[] NOT NULL,
    action_type text[] NOT NULL,
    generation_step integer[] NOT NULL,
    step_index integer[] NOT NULL,
    forced_tokens integer[] NOT NULL,
    discarded_tokens integer[] NOT NULL,
    intervention_surprisal double precision[] NOT NULL,
    confidence_change double precision[] NOT NULL,
    created_at timestamp with time zone[] NOT NULL
);

COMMENT ON TABLE public.actions IS 'Actions of mods, in the order of the posted list, with the token they changed and their effect.';

CREATE TABLE public.activation_previews (
    run_id bigint NOT NULL,
    prompt text NOT NULL,
    output_text text NOT NULL,
    output_token_ids bigint[] NOT NULL,
    sae_top_k integer NOT NULL,
    answer bytea NOT NULL,
    answer_bytes bigint NOT NULL
);
ALTER TABLE ONLY public.activation_previews ALTER COLUMN answer SET STORAGE EXTERNAL;

COMMENT ON TABLE public.activation_previews IS 'The texts and features of a run that succeeded.';

COMMENT ON COLUMN public.activation_previews.output_token_ids IS 'Token ids of the whole sequence, the prompt first.';

COMMENT ON COLUMN public.activation_previews.answer IS 'The answer of the HF server as one zstd frame of JSON. It has the feature timeline; rows and statistics are derived from it.';

COMMENT ON COLUMN public.activation_previews.answer_bytes IS 'Length of the answer before compression.';

ALTER TABLE public.activation_runs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.activation_runs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.alert_events (
    id bigint NOT NULL,
    alert_id bigint NOT NULL,
    webhook_id text DEFAULT ('evt_'::text || replace((gen_random_uuid())::text, '-'::text, ''::text)) NOT NULL,
    kind text NOT NULL,
    dedup_key text,
    request_pk bigint,
    window_from timestamp with time zone,
    window_to timestamp with time zone,
    value double precision,
    threshold double precision,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    status text DEFAULT 'waiting'::text NOT NULL,
    attempts smallint DEFAULT 0 NOT NULL,
    next_attempt_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    error text,
    CONSTRAINT alert_events_status CHECK ((status = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text])))
);

COMMENT ON TABLE public.alert_events IS 'What alerts noticed, and the webhooks that are sent for it.';

COMMENT ON COLUMN public.alert_events.webhook_id IS 'The webhook-id header, the same for each attempt.';

COMMENT ON COLUMN public.alert_events.kind IS 'The kind of the alert, or test.';

COMMENT ON COLUMN public.alert_events.dedup_key IS 'The request or window; an alert has one event for each. Null for tests.';

COMMENT ON COLUMN public.alert_events.next_attempt_at IS 'While an attempt runs: the end of its lease.';

COMMENT ON COLUMN public.alert_events.error IS 'Why the last attempt failed.';

ALTER TABLE public.alert_events ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alert_events_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.alerts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.alerts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.api_keys ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.api_keys_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    happened_at timestamp with time zone DEFAULT now() NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE public.audit_log IS 'Changes of keys and links, deletions, adoptions and clearings. A trigger keeps the table append-only.';

COMMENT ON COLUMN public.audit_log.actor IS 'admin, key:<id>, user:<12 digits of the HMAC of the user API key>, command, retention or bootstrap.';

COMMENT ON COLUMN public.audit_log.action IS 'The action: key.create, request.delete and so on.';

COMMENT ON COLUMN public.audit_log.subject IS 'key:<id>, request:<SHA-256 of its id>, collection:<id>, requests or database.';

COMMENT ON COLUMN public.audit_log.details IS 'Details: names of changed fields, scopes, counts. Never a secret or a user''s text.';

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bootstrap_attempts (
    id bigint NOT NULL,
    address text DEFAULT ''::text NOT NULL,
    attempted_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE public.bootstrap_attempts IS 'Failed attempts at POST /auth/bootstrap within a minute, counted across all containers.';

COMMENT ON COLUMN public.bootstrap_attempts.address IS 'Address of the client. For IPv6, its 64-bit network.';

ALTER TABLE public.bootstrap_attempts ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.bootstrap_attempts_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

ALTER TABLE public.calibrators ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.calibrators_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.call_counts (
    action text NOT NULL,
    subject bytea NOT NULL,
    most integer NOT NULL,
    called_at timestamp with time zone[] NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.call_counts IS 'Recent calls of limited routes, per key and per address.';

COMMENT ON COLUMN public.call_counts.action IS 'The kind of call, such as inference.';

COMMENT ON COLUMN public.call_counts.subject IS 'HMAC of the account or the address under THUNDER_SECRET.';

COMMENT ON COLUMN public.call_counts.most IS 'Calls allowed in the window.';

COMMENT ON COLUMN public.call_counts.called_at IS 'Times of the calls that counted, at most `most` of them.';

COMMENT ON COLUMN public.call_counts.expires_at IS 'When the last call leaves the window, and the row can be deleted.';

ALTER TABLE public.collections ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.collections_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.deletion_chain (
    only_row boolean DEFAULT true NOT NULL,
    receipts bigint NOT NULL,
    chain bytea NOT NULL,
    CONSTRAINT deletion_chain_only_row CHECK (only_row)
);

COMMENT ON TABLE public.deletion_chain IS 'The end of the chain of receipts. Has one row, so a missing last receipt is detected too.';

COMMENT ON COLUMN public.deletion_chain.receipts IS 'Number of receipts.';

COMMENT ON COLUMN public.deletion_chain.chain IS 'Hash of the last receipt.';

ALTER TABLE public.deletions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.deletions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.discussions (
    id bigint NOT NULL,
    request_pk bigint NOT NULL,
    username text NOT NULL,
    comment text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT discussions_username_length CHECK (((length(username) >= 1) AND (length(username) <= 200)))
);

COMMENT ON TABLE public.discussions IS 'Comments on a request.';

COMMENT ON COLUMN public.discussions.updated_at IS 'Equal to created_at until the comment is edited.';

ALTER TABLE public.discussions ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.discussions_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.environment (
    only_row boolean DEFAULT true NOT NULL,
    app_name text NOT NULL,
    stamped_at timestamp with time zone DEFAULT now() NOT NULL,
    schema_version integer NOT NULL,
    secret_fingerprint text,
    previous_fingerprint text,
    CONSTRAINT environment_app_name_length CHECK (((length(app_name) >= 1) AND (length(app_name) <= 200))),
    CONSTRAINT environment_only_row CHECK (only_row)
);

COMMENT ON TABLE public.environment IS 'The stamp: the app that this database belongs to. Has one row.';

COMMENT ON COLUMN public.environment.app_name IS 'THUNDER_APP_NAME of every process that may use this database.';

COMMENT ON COLUMN public.environment.stamped_at IS 'When the database was stamped with app_name, by migrate or adopt.';

COMMENT ON COLUMN public.environment.schema_version IS 'Schema version after the last migrate.';

COMMENT ON COLUMN public.environment.secret_fingerprint IS 'Part of an HMAC of a constant under the present THUNDER_SECRET. Null: none was used yet.';

COMMENT ON COLUMN public.environment.previous_fingerprint IS 'The fingerprint before the rotation that is in progress. Null: none is.';

CREATE VIEW public.feed AS
 SELECT requests.*::public.requests AS request,
    id,
    request_id,
    created_at AS created_ts,
    completed_at AS finished_ts,
    model AS model_id,
    user_key_label AS user_api_key,
    final_text,
    total_steps,
    favorited_by,
    discussion_count,
    active_mod,
    tags,
    sequence_confidence,
    sequence_confidence_is_bound,
    lowest_group_confidence,
    group_confidence,
    source,
    group_id,
    ingested_at,
    revision,
    curation,
    COALESCE(sequence_confidence, (2)::double precision) AS sort_confidence,
    p_correct,
    public.calibrator_of(requests.*) AS calibrator,
    prompt,
    latency_ms,
    generated_tokens AS tokens,
        CASE
            WHEN is_correct THEN 'correct'::text
            WHEN (NOT is_correct) THEN 'incorrect'::text
            ELSE NULL::text
        END AS outcome,
    ending,
    has_exception
   FROM public.requests;

COMMENT ON VIEW public.feed IS 'The requests with the names that the feed and the streams give their columns.';

COMMENT ON COLUMN public.feed.request IS 'The whole row, for request_matches.';

COMMENT ON COLUMN public.feed.sort_confidence IS 'The confidence. Requests without one have 2, so they are listed last.';

CREATE TABLE public.generated_secret (
    only_row boolean DEFAULT true NOT NULL,
    secret text NOT NULL,
    generated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT generated_secret_only_row CHECK (only_row)
);

COMMENT ON TABLE public.generated_secret IS 'Replaces THUNDER_SECRET if that is not set. A leak of the database then includes the secret. See docs/ACCESS.md.';

CREATE TABLE public.mod_calls (
    request_pk bigint NOT NULL,
    block_keys text[] NOT NULL,
    block integer[] NOT NULL,
    generation_step integer[] NOT NULL,
    execution_time_ms double precision[] NOT NULL,
    exception_occurred boolean[] NOT NULL,
    exception_message text[],
    created_at timestamp with time zone[] NOT NULL
);

COMMENT ON TABLE public.mod_calls IS 'Calls of handlers, in the order of the posted list.';

COMMENT ON COLUMN public.mod_calls.block_keys IS 'The handlers that were called, as in mod_blocks.block_key, each once.';

COMMENT ON COLUMN public.mod_calls.block IS 'The handler of each call: its position in block_keys, from 0.';

COMMENT ON COLUMN public.mod_calls.exception_message IS 'Null if no call raised an exception with a message.';

CREATE VIEW public.handler_actions AS
 SELECT requests.*::public.requests AS request,
    requests.id AS request_pk,
    requests.request_id,
    ((action.action_index)::integer - 1) AS action_index,
    action.call_index,
    mod_calls.block_keys[(mod_calls.block[(action.call_index + 1)] + 1)] AS block_key,
    action.action_type,
    action.generation_step,
    action.step_index,
    action.forced_tokens,
    action.discarded_tokens,
    action.intervention_surprisal,
    action.confidence_change,
    action.created_at
   FROM (((public.requests
     JOIN public.mod_calls ON ((requests.id = mod_calls.request_pk)))
     JOIN public.actions ON ((requests.id = actions.request_pk)))
     CROSS JOIN LATERAL UNNEST(actions.call_index, actions.action_type, actions.generation_step, actions.step_index, actions.forced_tokens, actions.discarded_tokens, actions.intervention_surprisal, actions.confidence_change, actions.created_at) WITH ORDINALITY action(call_index, action_type, generation_step, step_index, forced_tokens, discarded_tokens, intervention_surprisal, confidence_change, created_at, action_index));

COMMENT ON VIEW public.handler_actions IS 'One row per action of a handler.';

COMMENT ON COLUMN public.handler_actions.request IS 'The whole row of the request, for request_matches.';

COMMENT ON COLUMN public.handler_actions.action_index IS 'Position in the posted list, from 0.';

COMMENT ON COLUMN public.handler_actions.block_key IS 'The handler, as in mod_blocks.';

COMMENT ON COLUMN public.handler_actions.step_index IS 'First token that the action changed. Null if it changed none.';

COMMENT ON COLUMN public.handler_actions.intervention_surprisal IS '-ln p of the first forced token under the model, in nats. A lower bound if p is unknown.';

COMMENT ON COLUMN public.handler_actions.confidence_change IS 'Sequence confidence of the next 8 sampled tokens minus the sequence confidence of the previous 8.';

CREATE VIEW public.handler_calls AS
 SELECT requests.*::public.requests AS request,
    requests.id AS request_pk,
    requests.request_id,
    ((call.call_index)::integer - 1) AS call_index,
    mod_calls.block_keys[(call.block + 1)] AS block_key,
    call.generation_step,
    call.execution_time_ms,
    call.exception_occurred,
    mod_calls.exception_message[call.call_index] AS exception_message,
    call.created_at
   FROM ((public.requests
     JOIN public.mod_calls ON ((requests.id = mod_calls.request_pk)))
     CROSS JOIN LATERAL UNNEST(mod_calls.block, mod_calls.generation_step, mod_calls.execution_time_ms, mod_calls.exception_occurred, mod_calls.created_at) WITH ORDINALITY call(block, generation_step, execution_time_ms, exception_occurred, created_at, call_index));

COMMENT ON VIEW public.handler_calls IS 'One row per call of a handler.';

COMMENT ON COLUMN public.handler_calls.request IS 'The whole row of the request, for request_matches.';

COMMENT ON COLUMN public.handler_calls.call_index IS 'Position in the posted list, from 0.';

COMMENT ON COLUMN public.handler_calls.block_key IS 'The handler, as in mod_blocks.';

CREATE TABLE public.mod_logs (
    request_pk bigint NOT NULL,
    call_index integer[] NOT NULL,
    log_level text[] NOT NULL,
    log_message text[] NOT NULL,
    created_at timestamp with time zone[] NOT NULL
);

COMMENT ON TABLE public.mod_logs IS 'Lines logged by mods, in the order of the posted list.';

CREATE VIEW public.handler_logs AS
 SELECT requests.request_id,
    ((line.log_index)::integer - 1) AS log_index,
    line.call_index,
    line.log_level,
    line.log_message,
    line.created_at
   FROM ((public.requests
     JOIN public.mod_logs ON ((requests.id = mod_logs.request_pk)))
     CROSS JOIN LATERAL UNNEST(mod_logs.call_index, mod_logs.log_level, mod_logs.log_message, mod_logs.created_at) WITH ORDINALITY line(call_index, log_level, log_message, created_at, log_index));

COMMENT ON VIEW public.handler_logs IS 'One row per line logged by a handler.';

COMMENT ON COLUMN public.handler_logs.log_index IS 'Position in the posted list, from 0.';

CREATE TABLE public.mod_blocks (
    id bigint NOT NULL,
    mod_id bigint NOT NULL,
    event_type text NOT NULL,
    block_key text NOT NULL
);

COMMENT ON TABLE public.mod_blocks IS 'Handlers of mods, one per event type.';

COMMENT ON COLUMN public.mod_blocks.block_key IS 'Name of the handler: <mod>:<event type>.';

ALTER TABLE public.mod_blocks ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mod_blocks_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.mods (
    id bigint NOT NULL,
    name text NOT NULL
);

COMMENT ON TABLE public.mods IS 'Mods, by the part of their name before an @.';

ALTER TABLE public.mods ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.mods_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW public.outdated_calibrations AS
 SELECT requests.id
   FROM (public.requests
     LEFT JOIN LATERAL ( SELECT calibrators.id
           FROM public.calibrators
          WHERE (public.applies_to(calibrators.*, requests.user_key_hmac, requests.model, requests.k, requests.logprobs_mode) AND (public.score_of(requests.*, calibrators.score) IS NOT NULL))
          ORDER BY calibrators.user_key_hmac
         LIMIT 1) current ON (true))
  WHERE (requests.calibrator_id IS DISTINCT FROM current.id);

COMMENT ON VIEW public.outdated_calibrations IS 'Requests whose p_correct is not of the calibrator that a new request would get. `manage.py rescore` updates them.';

CREATE VIEW public.owners AS
 SELECT requests.user_key_hmac,
    requests.user_key_label
   FROM public.requests
  WHERE (requests.user_key_hmac IS NOT NULL)
UNION ALL
 SELECT api_keys.user_key_hmac,
    api_keys.user_key_label
   FROM public.api_keys
  WHERE (api_keys.user_key_hmac IS NOT NULL)
UNION ALL
 SELECT calibrators.user_key_hmac,
    calibrators.user_key_label
   FROM public.calibrators
  WHERE (calibrators.user_key_hmac IS NOT NULL)
UNION ALL
 SELECT collections.user_key_hmac,
    NULL::text AS user_key_label
   FROM public.collections
  WHERE (collections.user_key_hmac IS NOT NULL)
UNION ALL
 SELECT alerts.user_key_hmac,
    NULL::text AS user_key_label
   FROM public.alerts
  WHERE (alerts.user_key_hmac IS NOT NULL)
UNION ALL
 SELECT activation_runs.user_key_hmac,
    activation_runs.user_key_label
   FROM public.activation_runs
  WHERE (activation_runs.user_key_hmac IS NOT NULL);

COMMENT ON VIEW public.owners IS 'The owner of each row that has one.';

CREATE TABLE public.step_logit_summaries (
    request_pk bigint NOT NULL,
    generation_step integer[] NOT NULL,
    k smallint[] NOT NULL,
    top_p_count smallint[] NOT NULL,
    top_p_cutoff real[] NOT NULL,
    prompt_digest bigint,
    first_tokens integer[],
    first_logprobs real[]
);

COMMENT ON TABLE public.step_logit_summaries IS 'The forward passes with a top-k list, one row per request. The view passes has one row per pass. The document has the lists.';

COMMENT ON COLUMN public.step_logit_summaries.prompt_digest IS 'BLAKE2b-64 of the prompt and the settings that determine the distribution of the first token. Null if unknown.';

COMMENT ON COLUMN public.step_logit_summaries.first_tokens IS 'Up to 20 most likely first tokens. A token without an id has a negative digest of its text. Null without a list.';

COMMENT ON COLUMN public.step_logit_summaries.first_logprobs IS 'Log-probabilities of first_tokens, in nats.';

CREATE VIEW public.passes AS
 SELECT requests.request_id,
    pass.generation_step,
    pass.k,
    pass.top_p_count,
    pass.top_p_cutoff
   FROM ((public.requests
     JOIN public.step_logit_summaries ON ((requests.id = step_logit_summaries.request_pk)))
     CROSS JOIN LATERAL UNNEST(step_logit_summaries.generation_step, step_logit_summaries.k, step_logit_summaries.top_p_count, step_logit_summaries.top_p_cutoff) pass(generation_step, k, top_p_count, top_p_cutoff));

COMMENT ON VIEW public.passes IS 'One row per forward pass that had a top-k list.';

COMMENT ON COLUMN public.passes.k IS 'Number of entries in the list.';

COMMENT ON COLUMN public.passes.top_p_count IS 'Number of tokens in the nucleus. Null if the nucleus ends outside the list.';

COMMENT ON COLUMN public.passes.top_p_cutoff IS 'Lowest probability in the nucleus.';

CREATE TABLE public.request_steps (
    request_pk bigint NOT NULL,
    generation_step integer[] NOT NULL,
    token integer[] NOT NULL,
    token_text text[] NOT NULL,
    forced boolean[] NOT NULL,
    forced_by text[],
    adjusted_logits boolean[] NOT NULL,
    discarded boolean[] NOT NULL,
    logprob real[] NOT NULL,
    prob_upper_bound real[] NOT NULL,
    rank smallint[] NOT NULL,
    entropy real[] NOT NULL,
    missing_mass real[] NOT NULL,
    flatness real[] NOT NULL,
    margin real[] NOT NULL,
    token_confidence real[] NOT NULL
);

COMMENT ON TABLE public.request_steps IS 'The tokens that entered the text: one row per request, one array per column. The view steps has one row per token.';

COMMENT ON COLUMN public.request_steps.forced_by IS 'Null if no token was forced.';

CREATE TABLE public.request_traces (
    request_pk bigint NOT NULL,
    format smallint NOT NULL,
    document bytea NOT NULL,
    document_bytes bigint NOT NULL,
    choice smallint DEFAULT 0 NOT NULL
);
ALTER TABLE ONLY public.request_traces ALTER COLUMN document SET STORAGE EXTERNAL;

COMMENT ON TABLE public.request_traces IS 'The document of each request. Everything else is derived from it.';

COMMENT ON COLUMN public.request_traces.format IS 'Format of the document. 1: a Quote trace. 2: a JSON item. 3: Server-Sent Events. 4: a span. Readers reject unknown formats.';

COMMENT ON COLUMN public.request_traces.document IS 'The posted body as one zstd frame, with labels in place of user API keys.';

COMMENT ON COLUMN public.request_traces.document_bytes IS 'Length of the body before compression.';

COMMENT ON COLUMN public.request_traces.choice IS 'Position of the answer in the document, from 0.';

ALTER TABLE public.requests ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.requests_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.schema_migrations (
    version integer NOT NULL,
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE public.sign_in_links (
    token_hash bytea NOT NULL,
    admin_proof bytea NOT NULL,
    expires_at timestamp with time zone NOT NULL
);

COMMENT ON TABLE public.sign_in_links IS 'Unused links that sign a browser in as the admin, once.';

COMMENT ON COLUMN public.sign_in_links.token_hash IS 'HMAC of the token in the link under THUNDER_SECRET.';

COMMENT ON COLUMN public.sign_in_links.admin_proof IS 'HMAC of the token under THUNDER_ADMIN_KEY, as in sign_ins.admin_proof.';

CREATE TABLE public.sign_ins (
    token_hash bytea NOT NULL,
    key_hash bytea,
    user_key_hmac bytea,
    admin_proof bytea,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    CONSTRAINT sign_ins_key CHECK ((num_nonnulls(key_hash, user_key_hmac, admin_proof) = 1))
);

COMMENT ON TABLE public.sign_ins IS 'Browsers that are signed in with a cookie. Each has the rights of one key and ends with it.';

COMMENT ON COLUMN public.sign_ins.token_hash IS 'HMAC of the token in the cookie under THUNDER_SECRET.';

COMMENT ON COLUMN public.sign_ins.key_hash IS 'The issued key that signed in, as in api_keys.key_hash.';

COMMENT ON COLUMN public.sign_ins.user_key_hmac IS 'The user API key that signed in, as in requests.user_key_hmac.';

COMMENT ON COLUMN public.sign_ins.admin_proof IS 'HMAC of the token under THUNDER_ADMIN_KEY, if that key signed in. A process with another admin key computes another one.';

CREATE VIEW public.steps AS
 SELECT requests.request_id,
    ((step.step_index)::integer - 1) AS step_index,
    step.generation_step,
    step.token,
    step.token_text,
    step.forced,
    step.forced_by,
    step.adjusted_logits,
    step.discarded,
    (exp((step.logprob)::double precision))::real AS prob,
    step.prob_upper_bound,
    step.logprob,
    (- step.logprob) AS surprisal,
    step.rank,
    step.entropy,
    step.missing_mass,
    step.flatness,
    step.margin,
    step.token_confidence
   FROM ((public.requests
     JOIN public.request_steps ON ((requests.id = request_steps.request_pk)))
     CROSS JOIN LATERAL UNNEST(request_steps.generation_step, request_steps.token, request_steps.token_text, request_steps.forced, request_steps.forced_by, request_steps.adjusted_logits, request_steps.discarded, request_steps.logprob, request_steps.prob_upper_bound, request_steps.rank, request_steps.entropy, request_steps.missing_mass, request_steps.flatness, request_steps.margin, request_steps.token_confidence) WITH ORDINALITY step(generation_step, token, token_text, forced, forced_by, adjusted_logits, discarded, logprob, prob_upper_bound, rank, entropy, missing_mass, flatness, margin, token_confidence, step_index));

COMMENT ON VIEW public.steps IS 'One row per token that entered the text, with its scores, including forced and later discarded tokens.';

COMMENT ON COLUMN public.steps.step_index IS 'Position of the token in the text, from 0, counting discarded tokens.';

COMMENT ON COLUMN public.steps.generation_step IS 'Forward pass of the token, from 0. Null for tokens added before the first pass.';

COMMENT ON COLUMN public.steps.prob IS 'Null if the token is not in the top k. prob_upper_bound then bounds it.';

COMMENT ON COLUMN public.steps.surprisal IS 'In nats, like every entropy and logprob in this view.';

ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.activation_previews
    ADD CONSTRAINT activation_previews_pkey PRIMARY KEY (run_id);

ALTER TABLE ONLY public.activation_runs
    ADD CONSTRAINT activation_runs_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.activation_runs
    ADD CONSTRAINT activation_runs_request_id_key UNIQUE (request_id);

ALTER TABLE ONLY public.activation_runs
    ADD CONSTRAINT activation_runs_request_pk_key UNIQUE (request_pk);

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_dedup_key UNIQUE (alert_id, dedup_key);

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.alerts
    ADD CONSTRAINT alerts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_key_hash_key UNIQUE (key_hash);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.bootstrap_attempts
    ADD CONSTRAINT bootstrap_attempts_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calibrators
    ADD CONSTRAINT calibrators_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.calibrators
    ADD CONSTRAINT calibrators_version UNIQUE NULLS NOT DISTINCT (user_key_hmac, model, k, logprobs_mode, version);

ALTER TABLE ONLY public.call_counts
    ADD CONSTRAINT call_counts_pkey PRIMARY KEY (action, subject);

ALTER TABLE ONLY public.collection_members
    ADD CONSTRAINT collection_members_pkey PRIMARY KEY (collection_id, request_pk);

ALTER TABLE ONLY public.collections
    ADD CONSTRAINT collections_name_key UNIQUE NULLS NOT DISTINCT (user_key_hmac, name);

ALTER TABLE ONLY public.collections
    ADD CONSTRAINT collections_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.collections
    ADD CONSTRAINT collections_share_token_hash_key UNIQUE (share_token_hash);

ALTER TABLE ONLY public.deletion_chain
    ADD CONSTRAINT deletion_chain_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_ordinal_key UNIQUE (ordinal);

ALTER TABLE ONLY public.deletions
    ADD CONSTRAINT deletions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.discussions
    ADD CONSTRAINT discussions_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.environment
    ADD CONSTRAINT environment_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.former_owners
    ADD CONSTRAINT former_owners_pkey PRIMARY KEY (user_key_hmac);

ALTER TABLE ONLY public.generated_secret
    ADD CONSTRAINT generated_secret_pkey PRIMARY KEY (only_row);

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.mod_blocks
    ADD CONSTRAINT mod_blocks_block_key_key UNIQUE (block_key);

ALTER TABLE ONLY public.mod_blocks
    ADD CONSTRAINT mod_blocks_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.mod_calls
    ADD CONSTRAINT mod_calls_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.mod_logs
    ADD CONSTRAINT mod_logs_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.mods
    ADD CONSTRAINT mods_name_key UNIQUE (name);

ALTER TABLE ONLY public.mods
    ADD CONSTRAINT mods_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (request_pk, source);

ALTER TABLE ONLY public.request_steps
    ADD CONSTRAINT request_steps_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.request_traces
    ADD CONSTRAINT request_traces_pkey PRIMARY KEY (request_pk);

ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_request_id_key UNIQUE (request_id);

ALTER TABLE ONLY public.requests
    ADD CONSTRAINT requests_share_token_hash_key UNIQUE (share_token_hash);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

ALTER TABLE ONLY public.sign_in_links
    ADD CONSTRAINT sign_in_links_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.sign_ins
    ADD CONSTRAINT sign_ins_pkey PRIMARY KEY (token_hash);

ALTER TABLE ONLY public.step_logit_summaries
    ADD CONSTRAINT step_logit_summaries_pkey PRIMARY KEY (request_pk);

CREATE INDEX activation_runs_by_owner ON public.activation_runs USING btree (user_key_hmac) WHERE (user_key_hmac IS NOT NULL);

CREATE INDEX activation_runs_by_time ON public.activation_runs USING btree (created_at, request_id);

CREATE INDEX activation_runs_by_trace ON public.activation_runs USING btree (trace_request_id) WHERE (trace_request_id IS NOT NULL);

CREATE INDEX alert_events_due ON public.alert_events USING btree (alert_id, next_attempt_at) WHERE (status = 'waiting'::text);

CREATE INDEX alert_events_finished ON public.alert_events USING btree (finished_at) WHERE (finished_at IS NOT NULL);

CREATE INDEX alert_events_newest ON public.alert_events USING btree (alert_id, id DESC);

CREATE INDEX alert_events_of_request ON public.alert_events USING btree (request_pk) WHERE (request_pk IS NOT NULL);

CREATE INDEX alerts_at_ingest ON public.alerts USING btree (user_key_hmac) WHERE (active AND (kind = ANY (ARRAY['threshold'::text, 'exception'::text])));

CREATE INDEX alerts_of_owner ON public.alerts USING btree (user_key_hmac, id DESC);

CREATE INDEX alerts_of_periods ON public.alerts USING btree (id) WHERE (active AND (kind = ANY (ARRAY['rate'::text, 'drift'::text, 'change'::text, 'silence'::text])));

CREATE INDEX api_keys_of_user ON public.api_keys USING btree (user_key_hmac) WHERE (user_key_hmac IS NOT NULL);

CREATE INDEX api_keys_unused ON public.api_keys USING btree (created_at) WHERE (is_playground AND (last_used_at IS NULL));

CREATE INDEX audit_log_of_action ON public.audit_log USING btree (action, id);

CREATE INDEX audit_log_of_actor ON public.audit_log USING btree (actor, id);

CREATE INDEX bootstrap_attempts_newest ON public.bootstrap_attempts USING btree (attempted_at);

CREATE INDEX bootstrap_attempts_of_address ON public.bootstrap_attempts USING btree (address, attempted_at);

CREATE UNIQUE INDEX calibrators_active ON public.calibrators USING btree (user_key_hmac, model, k, logprobs_mode) NULLS NOT DISTINCT WHERE is_active;

CREATE INDEX call_counts_by_expiry ON public.call_counts USING btree (expires_at);

CREATE INDEX collection_members_newest ON public.collection_members USING btree (collection_id, added_at DESC, request_pk DESC);

CREATE INDEX collection_members_request ON public.collection_members USING btree (request_pk);

CREATE INDEX collections_of_user ON public.collections USING btree (user_key_hmac, id DESC);

CREATE INDEX deletions_of_request ON public.deletions USING btree (request_sha256);

CREATE INDEX discussions_of_request ON public.discussions USING btree (request_pk, id);

CREATE INDEX former_owners_moved ON public.former_owners USING btree (present_hmac) WHERE (present_hmac IS NOT NULL);

CREATE INDEX mod_blocks_mod ON public.mod_blocks USING btree (mod_id);

CREATE INDEX requests_favorited ON public.requests USING btree (created_at DESC, id DESC) WHERE (favorited_by <> '{}'::text[]);

CREATE INDEX requests_ingested ON public.requests USING btree (ingested_at);

CREATE INDEX requests_least_sure ON public.requests USING btree (COALESCE(sequence_confidence, (2)::double precision), id);

CREATE INDEX requests_least_sure_of_user ON public.requests USING btree (user_key_hmac, COALESCE(sequence_confidence, (2)::double precision), id);

CREATE INDEX requests_mods ON public.requests USING gin (mods);

CREATE INDEX requests_newest ON public.requests USING btree (created_at DESC, id DESC);

CREATE INDEX requests_newest_of_user ON public.requests USING btree (user_key_hmac, created_at DESC, id DESC);

CREATE INDEX requests_of_group ON public.requests USING btree (group_id, created_at DESC, id DESC) WHERE (group_id IS NOT NULL);

CREATE INDEX requests_of_model ON public.requests USING btree (model, created_at DESC, id DESC);

CREATE INDEX requests_of_source ON public.requests USING btree (source, created_at DESC, id DESC) WHERE (source <> 'quote'::text);

CREATE INDEX requests_position ON public.requests USING btree (stored_xid, id);

CREATE INDEX requests_search ON public.requests USING gin (search);

CREATE INDEX requests_tagged ON public.requests USING btree (created_at DESC, id DESC) WHERE (tags <> '{}'::text[]);

CREATE INDEX requests_with_exception ON public.requests USING btree (created_at DESC, id DESC) WHERE has_exception;

CREATE INDEX sign_ins_expiry ON public.sign_ins USING btree (expires_at);

CREATE INDEX sign_ins_of_key ON public.sign_ins USING btree (key_hash) WHERE (key_hash IS NOT NULL);

CREATE INDEX sign_ins_of_user ON public.sign_ins USING btree (user_key_hmac) WHERE (user_key_hmac IS NOT NULL);

CREATE INDEX step_logit_summaries_of_prompt ON public.step_logit_summaries USING btree (prompt_digest, request_pk) WHERE (prompt_digest IS NOT NULL);

CREATE TRIGGER activation_runs_assign_owner BEFORE INSERT ON public.activation_runs FOR EACH ROW WHEN ((new.user_key_hmac IS NOT NULL)) EXECUTE FUNCTION public.assign_owner();

CREATE TRIGGER audit_log_is_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER count_linked_run AFTER INSERT OR DELETE OR UPDATE OF request_pk ON public.activation_runs FOR EACH ROW EXECUTE FUNCTION public.count_linked_run();

CREATE TRIGGER deletions_are_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.deletions FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change();

CREATE TRIGGER deletions_link BEFORE INSERT ON public.deletions FOR EACH ROW EXECUTE FUNCTION public.link_receipt();

CREATE TRIGGER environment_audit_adoption AFTER UPDATE OF app_name ON public.environment FOR EACH ROW WHEN ((old.app_name IS DISTINCT FROM new.app_name)) EXECUTE FUNCTION public.audit_adoption();

CREATE TRIGGER link_activation_run AFTER INSERT ON public.requests FOR EACH ROW WHEN ((new.request_id ~~ 'hf-%'::text)) EXECUTE FUNCTION public.link_activation_run();

CREATE TRIGGER move_activation_runs AFTER INSERT OR UPDATE OF present_hmac ON public.former_owners FOR EACH ROW WHEN ((new.present_hmac IS NOT NULL)) EXECUTE FUNCTION public.move_activation_runs();

CREATE TRIGGER outcomes_update_outcome AFTER INSERT OR UPDATE ON public.outcomes FOR EACH ROW EXECUTE FUNCTION public.update_outcome();

CREATE TRIGGER requests_assign_owner BEFORE INSERT ON public.requests FOR EACH ROW WHEN ((new.user_key_hmac IS NOT NULL)) EXECUTE FUNCTION public.assign_owner();

CREATE TRIGGER requests_calibrate BEFORE INSERT OR UPDATE OF scoring_version ON public.requests FOR EACH ROW EXECUTE FUNCTION public.calibrate_request();

CREATE TRIGGER requests_count_curation BEFORE UPDATE ON public.requests FOR EACH ROW EXECUTE FUNCTION public.count_curation();

ALTER TABLE ONLY public.actions
    ADD CONSTRAINT actions_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.activation_previews
    ADD CONSTRAINT activation_previews_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.activation_runs(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.activation_runs
    ADD CONSTRAINT activation_runs_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_alert_id_fkey FOREIGN KEY (alert_id) REFERENCES public.alerts(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.alert_events
    ADD CONSTRAINT alert_events_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.collection_members
    ADD CONSTRAINT collection_members_collection_id_fkey FOREIGN KEY (collection_id) REFERENCES public.collections(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.collection_members
    ADD CONSTRAINT collection_members_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.discussions
    ADD CONSTRAINT discussions_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.legal_holds
    ADD CONSTRAINT legal_holds_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id);

ALTER TABLE ONLY public.mod_blocks
    ADD CONSTRAINT mod_blocks_mod_id_fkey FOREIGN KEY (mod_id) REFERENCES public.mods(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mod_calls
    ADD CONSTRAINT mod_calls_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.mod_logs
    ADD CONSTRAINT mod_logs_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.request_steps
    ADD CONSTRAINT request_steps_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.request_traces
    ADD CONSTRAINT request_traces_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;

ALTER TABLE ONLY public.step_logit_summaries
    ADD CONSTRAINT step_logit_summaries_request_pk_fkey FOREIGN KEY (request_pk) REFERENCES public.requests(id) ON DELETE CASCADE;
