"""Each regular expression takes linear time. Python's holds the GIL, so another one would stop a whole process."""

import importlib
import inspect
import pkgutil
import re
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Any

import pytest

import core
import functions
from core.document.body_texts import TEXTS
from tests.support.environment import ROOT

CHARACTERS = 60_000
"""With backtracking at each of them, an expression takes seconds, otherwise milliseconds."""
LIMIT_S = 0.5
"""CPU time for one text."""
STARTS = ("", '"', "```", "…#")
UNITS = (*"a1 \"'\\-.\n{[(,:<>/#@…=+é", "a ", "a.", "a-", "a,", '"a', 'a"', "\r\n", "<|", "a:", '{"', '\\"')


def list_patterns() -> Iterator[tuple[str, re.Pattern[Any], set[str]]]:
    """Yield each expression of a module with the methods that are called."""
    code = "".join(
        path.read_text(encoding="utf-8") for name in ("core", "functions") for path in (ROOT / name).rglob("*.py")
    )
    for package in (core, functions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            loaded = importlib.import_module(module.name)
            for name, value in vars(loaded).items():
                if isinstance(value, re.Pattern):
                    call = re.compile(rf"\b{name}\.(\w+)\(")
                    methods = call.findall(inspect.getsource(loaded)) or call.findall(code) or ["search"]
                    yield f"{module.name}.{name}", value, set(methods)


def find_all(pattern: re.Pattern[Any], method: str, text: str) -> None:
    given: Any = text.encode() if isinstance(pattern.pattern, bytes) else text
    if method in {"sub", "subn"}:
        pattern.sub(given[:0], given)
    else:
        found = getattr(pattern, method)(given)
        if method == "finditer":
            list(found)


@pytest.mark.parametrize(
    ("pattern", "methods"),
    # TEXTS reads JSON that was parsed before, where each text has an end.
    [pytest.param(*found, id=name) for name, *found in list_patterns() if found[0] is not TEXTS],
)
def test_it_takes_linear_time(pattern: re.Pattern[Any], methods: set[str]) -> None:
    tried = ""

    def stop(_: int, __: FrameType | None) -> None:
        pytest.fail(f"{pattern.pattern!r} is slow for {tried}")

    words = re.findall(r"[A-Za-z_]{2,}", str(pattern.pattern))
    previous = signal.signal(signal.SIGVTALRM, stop)
    try:
        for unit in {*UNITS, *words}:
            for start in STARTS:
                tried = f"{start!r} and {unit!r} many times"
                for method in methods:
                    signal.setitimer(signal.ITIMER_VIRTUAL, LIMIT_S)
                    find_all(pattern, method, start + unit * (CHARACTERS // len(unit)) + " ")
                    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)
