"""A violated constraint becomes the error message of its name, or is a bug."""

import asyncio

import psycopg
import pytest

from core.database.constraints import MESSAGES
from core.database.pool import checkout_transaction, open_pool
from core.errors import ThunderError
from tests.support.stamps import OURS, make_settings

NOT_FOR_CALLERS = {
    "activation_runs_request_id_key",
    "activation_runs_request_pk_key",
    "activation_runs_status",
    "alert_events_dedup_key",
    "alert_events_status",
    "alerts_kind",
    "api_keys_key_hash_key",
    "calibrators_for_users",
    "calibrators_parameters",
    "calibrators_version",
    "collections_share_token_hash_key",
    "deletion_chain_only_row",
    "deletions_ordinal_key",
    "deletions_reason",
    "environment_only_row",
    "generated_secret_only_row",
    "mod_blocks_block_key_key",
    "mods_name_key",
    "requests_request_id_key",
    "requests_share_token_hash_key",
    "sign_ins_key",
}
"""Constraints that no input can violate: random values, values of the code, and keys of upserts."""

VIOLATED = {
    "alerts_name_length": """
        insert into alerts (name, kind, score, fires_above, filters, url, include_prompt, active, secret_nonce)
        values ('', 'silence', 'perplexity', true, '{}', 'https://receiver.example', false, true, '')""",
    "api_keys_name_length": """
        insert into api_keys (key_hash, key_prefix, name, is_admin, scopes) values ('x', 'ck_', '', false, '{}')""",
    "collections_name_key": "insert into collections (name) values ('twice'), ('twice')",
    "collections_name_length": "insert into collections (name) values ('')",
    "discussions_username_length": "insert into discussions (request_pk, username, comment) values (1, '', 'c')",
    "environment_app_name_length": "update environment set app_name = ''",
    "legal_holds_reason_length": "insert into legal_holds (request_pk, reason, held_by) values (1, '', 'admin')",
    "outcomes_source_length": "insert into outcomes (request_pk, source) values (1, '')",
    "requests_request_id_length": """
        insert into requests (request_id, created_at, posted_by, mods, total_steps, tokens, tokens_with_distribution,
            sampled_tokens, sampled_in_top_k, scored_tokens, forced_tokens, discarded_tokens, masked_tokens,
            interventions, backtracks)
        values ('', now(), 'open', '{}', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)""",
}


def test_every_named_constraint_has_a_message_or_is_not_for_callers(sql: psycopg.Connection) -> None:
    found = sql.execute("""
        select conname::text from pg_constraint
        where contype in ('c', 'u') and connamespace = 'public'::regnamespace
    """)
    assert {name for (name,) in found} == MESSAGES.keys() | NOT_FOR_CALLERS
    assert not MESSAGES.keys() & NOT_FOR_CALLERS


@pytest.mark.parametrize("name", MESSAGES)
def test_a_violation_is_told_by_the_name_of_its_constraint(name: str, database_url: str) -> None:
    async def violate() -> None:
        async with (
            open_pool(make_settings(database_url, OURS)) as pool,
            checkout_transaction(pool, timeout_ms=5000) as conn,
        ):
            await conn.execute(VIOLATED[name].encode())

    with pytest.raises(ThunderError) as caught:
        asyncio.run(violate())
    assert (str(caught.value), caught.value.status) == (MESSAGES[name], 409 if name.endswith("_key") else 400)
