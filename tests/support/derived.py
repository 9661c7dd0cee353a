"""The stored columns that are derived from documents."""

import psycopg

DERIVED = ("request_steps", "step_logit_summaries", "mod_calls", "mod_logs", "actions")
AGE = """
update requests set scoring_version = 0, sequence_confidence = 0.5, tokens = 1, group_confidence = '{1}',
    prompt = 'x', latency_ms = 7, generated_tokens = 7, ending = 'x', search = '';
update request_steps set entropy = '{}', token = '{}';
update step_logit_summaries set k = '{}', prompt_digest = null, first_tokens = null, first_logprobs = '{1}';
update actions set intervention_surprisal = '{7}';
"""


def dump(sql: psycopg.Connection, table: str) -> list[tuple[object, ...]]:
    return sql.execute(f"table {table}".encode()).fetchall()


def read_scores(sql: psycopg.Connection) -> list[tuple[object, ...]]:
    columns = "request_id, revision, scoring_version, sequence_confidence, tokens, group_confidence, has_exception"
    columns += ", prompt, latency_ms, generated_tokens, ending, search::text"
    return sql.execute(f"select {columns} from requests order by id".encode()).fetchall()
