"""The views of mod activity have one row per call, line and action, equal to the log's."""

import psycopg

from tests.support.client import Client
from tests.support.documents import load_trace, trace_names


def test_the_views_equal_the_log(client: Client, sql: psycopg.Connection) -> None:
    counted = [0, 0, 0]
    for name in trace_names():
        request_id = client.ingest(load_trace(name)).json["request_id"]
        log = client.log(request_id)
        calls = sql.execute(
            """select handler_calls.block_key, exception_occurred, exception_message, execution_time_ms, mods.name
            from handler_calls inner join mod_blocks using (block_key) inner join mods on mod_id = mods.id
            where request_id = %s order by call_index""",
            [request_id],
        ).fetchall()
        assert calls == [
            (
                f"{call['mod_name']}:{call['event_type']}",
                call["exception_occurred"],
                call["exception_message"],
                call["execution_time_ms"],
                call["mod_name"],
            )
            for call in log["mod_calls"]
        ]
        lines = sql.execute(
            "select log_level, log_message from handler_logs where request_id = %s order by log_index", [request_id]
        ).fetchall()
        assert lines == [(line["log_level"], line["log_message"]) for line in log["mod_logs"]]
        actions = sql.execute(
            """select block_key, action_type, generation_step from handler_actions
            where request_id = %s order by action_index""",
            [request_id],
        ).fetchall()
        assert actions == [
            (action["block_key"], action["action_type"], action["generation_step"]) for action in log["actions"]
        ]
        counted = [count + len(rows) for count, rows in zip(counted, (calls, lines, actions), strict=True)]
    assert all(counted)
