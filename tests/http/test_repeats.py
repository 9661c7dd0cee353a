"""Errors that many requests would log are logged once a minute."""

from core.database.pool import DatabaseUnavailableError
from functions.web.repeats import QUIET_S, Repeats


def fail(cause: str) -> DatabaseUnavailableError:
    error = DatabaseUnavailableError("database: not reachable; try again")
    error.__cause__ = OSError(cause)
    return error


def test_each_cause_of_the_same_sentence_is_due_once_a_minute() -> None:
    now = 0.0
    repeats = Repeats(lambda: now)
    causes = ("process 1 was terminated", "process 23 was terminated", "password authentication failed")
    assert [repeats.is_due(fail(cause)) for cause in causes] == [True, False, True]
    now = QUIET_S
    assert [repeats.is_due(fail(cause)) for cause in causes] == [True, False, True]
