"""What `manage.py doctor` finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, how it is, and in a sentence what was seen or is to be done."""

    level: Level
    subject: str
    sentence: str

    def describe(self) -> str:
        """One line."""
        return f"{self.level.value:<4}  {self.subject:<12}  {self.sentence}"


def ok(subject: str, sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(Level.OK, subject, sentence)


def warn(subject: str, sentence: str) -> Finding:
    """It works, but."""
    return Finding(Level.WARN, subject, sentence)


def fail(subject: str, sentence: str) -> Finding:
    """Thunder cannot work like that."""
    return Finding(Level.FAIL, subject, sentence)
