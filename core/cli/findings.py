"""The findings of `manage.py doctor`."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: severity, subject, and a sentence with the observation and the remedy."""

    level: Level
    subject: str
    sentence: str

    def describe(self) -> str:
        """Return the line to print."""
        return f"{self.level.value:<4}  {self.subject:<12}  {self.sentence}"


def ok(subject: str, sentence: str) -> Finding:
    """Report a passed check."""
    return Finding(Level.OK, subject, sentence)


def warn(subject: str, sentence: str) -> Finding:
    """Return a finding about a problem that does not stop Thunder."""
    return Finding(Level.WARN, subject, sentence)


def fail(subject: str, sentence: str) -> Finding:
    """Return a finding about a problem that stops Thunder."""
    return Finding(Level.FAIL, subject, sentence)
