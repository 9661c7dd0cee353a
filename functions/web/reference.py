"""The reference of the API: /docs for people, /llms.txt for language models. Both come from the OpenAPI document."""

import asyncio
from collections import defaultdict
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from starlette.responses import HTMLResponse, PlainTextResponse

from functions.web.modules import FOLDER
from functions.web.viewer import HEADERS

PAGE = "docs.html"
INTRODUCTION = """# Thunder

> {description}

Send an API key as `X-API-Key`. Times are RFC 3339 in UTC, and logarithms are natural. Errors are JSON with `error`,
`message` and `code`; the sentence has the form `field: what is wrong; what to do`. A score measures what the model
believed, not whether it was right.

- [OpenAPI document](/openapi.json): all parameters, bodies and answers
- [Reference for people](/docs)
"""

router = APIRouter(include_in_schema=False)
_PAGE = (FOLDER / PAGE).read_bytes()


@router.get("/docs", response_class=HTMLResponse)
async def show_docs() -> HTMLResponse:
    """Return the page of the reference."""
    return HTMLResponse(_PAGE, headers=HEADERS)


@router.get("/llms.txt", response_class=PlainTextResponse)
async def show_llms(request: Request) -> PlainTextResponse:
    """Return an overview of the routes as Markdown."""
    app: FastAPI = request.app
    return PlainTextResponse(await asyncio.to_thread(describe_routes, app.openapi()))


def describe_routes(document: dict[str, Any]) -> str:
    """Describe each operation of an OpenAPI document by the first sentence of its description, grouped by tag."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            sentence = operation["description"].partition(".")[0]
            groups[operation["tags"][0]].append(f"- `{method.upper()} {path}`: {' '.join(sentence.split())}.")
    parts = (f"## {name}\n" + "\n".join(lines) for name, lines in groups.items())
    return "\n\n".join([INTRODUCTION.format(description=document["info"]["description"]).strip(), *parts]) + "\n"
