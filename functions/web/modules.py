"""The JavaScript modules that each page of the viewer loads.

A page names all of them, so that a browser requests them at once instead of import by import.
"""

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "viewer"
ROOT = "app.js"
_IMPORT = re.compile(r'^import .*"(\.{1,2}/[^"]+)"$', re.MULTILINE)
_VIEW = re.compile(r'^  \[/(\S+)/, "[\w-]+", \(\) => import\("\./([^"]+)"\)', re.MULTILINE)


def list_modules(path: str) -> list[str]:
    """Return the modules of the view at an address, in the order of their discovery, as paths inside FOLDER.

    An address without a view has those of the frame.
    """
    view = next((module for pattern, module in _read_views() if pattern.search(path)), None)
    return _follow(view)


@cache
def _read_views() -> list[tuple[re.Pattern[str], str]]:
    """Read the addresses of the views and their modules from the list in app.js."""
    found = _VIEW.findall((FOLDER / ROOT).read_text("utf-8"))
    return [(re.compile(pattern.replace("(?<", "(?P<")), module) for pattern, module in found]


@cache
def _follow(view: str | None) -> list[str]:
    """Follow the imports of the frame and of a view."""
    found = [ROOT] if view is None else [ROOT, view]
    for module in found:
        source = FOLDER / module
        imported = [(source.parent / name).resolve() for name in _IMPORT.findall(source.read_text("utf-8"))]
        names = [path.relative_to(FOLDER.resolve()).as_posix() for path in imported]
        found += [name for name in names if name not in found]
    return found
