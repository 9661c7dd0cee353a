"""Each error message has the form of docs/STYLE.md: `field: what is wrong; what to do`."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import core
import functions
from core.database.constraints import MESSAGES
from core.errors import ThunderError
from functions.web.errors import NO_REFERENCE
from tests.support.environment import ROOT

FIELD = re.compile(r"(--)?[^\s:;]+( [^\s:;]+)?: \S")
"""The field comes first: a path, an option, a header, a setting, or a thing with its number (`key 7`)."""
REMEDY = re.compile(r"; \S| must |: must |at most|its log ends:\n")
QUOTED = "{…}"
"""An expression in a message."""


def find_errors() -> set[str]:
    for package in (core, functions):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(module.name)
    found, waiting = set[str](), [ThunderError]
    while waiting:
        error = waiting.pop()
        found.add(error.__name__)
        waiting += error.__subclasses__()
    return found


def read_message(node: ast.expr) -> str | None:
    """Return the text of a message; None if it is made elsewhere."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else QUOTED for part in parts)
        case _:
            return None


def find_messages() -> Iterator[tuple[str, str]]:
    """Yield the place and the text of each message in the code."""
    errors = find_errors() - {"MissingLogprobsError", "UnknownResponseError"}  # complete a message themselves
    for path in sorted([*ROOT.glob("core/**/*.py"), *ROOT.glob("functions/**/*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in errors and node.args:
                text = read_message(node.args[0])
                if text is not None:
                    yield f"{Path(path).relative_to(ROOT)}:{node.lineno}", text


MESSAGES_OF_CODE = list(find_messages())


def test_the_messages_are_found() -> None:
    assert len(MESSAGES_OF_CODE) > 150


@pytest.mark.parametrize(("place", "text"), MESSAGES_OF_CODE)
def test_a_message_names_the_field_the_problem_and_the_remedy(place: str, text: str) -> None:
    assert FIELD.match(text), f"{place}: {text}"
    # A message that ends with another layer's reason leaves the remedy to that reason.
    assert REMEDY.search(text) or text.endswith(f": {QUOTED}"), f"{place}: {text}"


@pytest.mark.parametrize("text", [*MESSAGES.values(), NO_REFERENCE])
def test_so_does_a_message_of_a_constraint(text: str) -> None:
    assert FIELD.match(text)
    assert REMEDY.search(text)
