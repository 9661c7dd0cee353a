"""Statements about the database itself: stamp, timeouts, notifications."""

from datetime import datetime

from core.database.query import query

FOREIGN = "TH001"
"""The SQLSTATE of a database that belongs to another app or has no stamp yet; the message names the case."""

SUPERSEDED = "TH002"
"""The SQLSTATE for a process that derives a value from a THUNDER_SECRET that a rotation has replaced."""

PLAN_EACH_TIME = query("database/plan_each_time", str)
"""Plan prepared statements of this session for their parameters. Returns nothing for another process's session."""

SET_TIMEOUT = query("database/set_timeout")
"""Limit each following statement of this transaction. A session setting would not survive a pooler."""

REQUIRE_STAMP = query("database/require_stamp")
"""Fail with SQLSTATE TH001 unless the database belongs to this app."""

HOLD_STAMP = query("database/hold_stamp")
"""Fail as REQUIRE_STAMP does, keep the stamp from changing until the transaction ends, and limit its statements."""

NOTIFY_STREAMS = query("database/notify_streams")
"""Notify the streams of every process at commit that a trace was stored or a key changed."""

FIND_NEWEST = query("database/find_newest", datetime)
PING = query("database/ping", int)
