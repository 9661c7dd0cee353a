"""Describe why a database could not be reached, with the remedy.

Postgres, poolers and the driver report failures of a connection only as text.
"""

import re

import psycopg

_OUTAGES = (
    (
        r"translate host name|resolve host|endpoint could not be found|endpoint id is not specified",
        "the host is not known",
        "correct it in its URL",
    ),
    (
        r"password|authentication failed|no such user|role .* (does not exist|is not permitted)",
        "refused the user or the password",
        "correct them in its URL",
    ),
    (r"database .* does not exist|no such database", "has no database of this name", "correct the name in its URL"),
    (
        r"too many (connections|clients)|connection slots|no more connections|max_client_conn",
        "accepts no more connections",
        "close some, lower DATABASE_POOL_SIZE, or try again later",
    ),
    (r"quota|compute time", "has used up the quota of its plan", "raise the limit in its console"),
    (r"starting up|shutting down|recovery mode", "is starting or stopping", "try again in a minute"),
    (r"pg_hba\.conf|ssl|certificate|gssapi", "refused the connection", "correct sslmode in its URL"),
    (
        r"connection refused|time(d )?out|no route to host|unreachable|no such file",
        "does not answer",
        "check that it runs, and the host and port in its URL",
    ),
)
"""A pattern of the driver's text, the problem and the remedy. The first match applies."""
_LOST = ("does not answer", "try again, or correct its URL")


def describe_outage(error: psycopg.Error) -> str:
    """Return the problem, the driver's reason, and the remedy: `does not answer (Connection refused); check that …`."""
    reason = _find_reason(str(error))
    problem, remedy = next(
        ((problem, remedy) for pattern, problem, remedy in _OUTAGES if re.search(pattern, reason, re.IGNORECASE)), _LOST
    )
    return f"{problem} ({reason}); {remedy}"


def _find_reason(text: str) -> str:
    """Return the reason in the driver's text, without the address, which is known, and the hints on further lines."""
    first = text.strip().partition("\n")[0].rstrip(":.")
    return re.sub(r"^(?:connection [a-z ]+: )?connection to server .*? failed: (?:(?:FATAL|ERROR): *)?", "", first)
