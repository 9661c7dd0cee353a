-- A search for a hyphenated word finds it within longer ones: force-prefix in the id smollm2-force-prefix.
-- Postgres stores the whole word, then its parts, and a query requires all of them. Now it requires the whole word only
-- in a quoted phrase, where that word separates the parts from the word before.

create or replace function search_query(q text) returns tsquery language sql immutable
return case
    when q = '' then ''::tsquery
    else
        case
            when q ~* '^id:' then ''::tsquery
            else
                regexp_replace(
                    regexp_replace(
                        websearch_to_tsquery('simple', q)::text,
                        '(?<!<-> )''([^''-]+)-[^'']+'' <-> ''\1''', '''\1''', 'g'
                    ),
                    '(?<!!)(''(?:[^''\\]|''''|\\\\)*'')', '\1:*', 'g'
                )::tsquery
        end
        || (
            ''''
            || replace(replace(id_lexeme(regexp_replace(q, '^id:\s*', '', 'i')), '\', '\\'), '''', '''''')
            || ''':*'
        )::tsquery
end;
