"""Render the HTML page of a share link, for browsers and for link previews in chat programs (Open Graph)."""

import base64
import hashlib
import html
import textwrap
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from starlette.responses import HTMLResponse

from functions.web.conditional import DEPENDS_ON
from functions.web.viewer import has_viewer, render_viewer

TITLE_CHARACTERS = 100
STYLE = """
:root { color-scheme: light dark; font: 1.125rem/1.5 system-ui, sans-serif; }
body { max-width: 40rem; margin: 15vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "private, no-cache",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address is a secret
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Vary": DEPENDS_ON,
}
PAGES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}, "application/json": {}}}}
"""For a route's `responses`."""
FormatParam = Annotated[Literal["json"] | None, Query(alias="format", description="return JSON, ignoring Accept")]

_HEAD = """<meta name="robots" content="noindex">
<meta name="description" content="{description}">
<meta property="og:type" content="article">
<meta property="og:site_name" content="Thunder">
<meta property="og:title" content="{title}">
<meta property="og:description" content="{description}">
<meta name="twitter:card" content="summary">"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
{head}
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>{description}</p>
{further}</main>
</body>
</html>
"""
_FURTHER = '<p><a href="?format=json">View as JSON</a></p>\n'


@dataclass(frozen=True, slots=True)
class Preview:
    """The title and description of a page, as plain text; rendering escapes them."""

    title: str
    description: str


def render_page(request: Request, preview: Preview) -> HTMLResponse:
    """Render the viewer if this application serves it, else a page with a link to the data."""
    return _render(request, preview, 200, _FURTHER)


def render_dead_link(request: Request, sentence: str) -> HTMLResponse:
    """Render the page of a link that is unknown, revoked or expired."""
    return _render(request, Preview("Not found", sentence[:1].upper() + sentence[1:] + "."), 404, "")


def _render(request: Request, preview: Preview, status: int, further: str) -> HTMLResponse:
    parts = {"title": html.escape(preview.title), "description": html.escape(preview.description)}
    head = _HEAD.format(**parts)
    if has_viewer(request):
        answer = render_viewer(
            title=preview.title, description=preview.description, head=head, further=further, status=status
        )
        answer.headers.update({"X-Robots-Tag": "noindex", "Vary": DEPENDS_ON})
        return answer
    return HTMLResponse(_PAGE.format(**parts, head=head, style=STYLE, further=further), status, HEADERS)


def begin(text: str | None, otherwise: str) -> str:
    """Return the first words of a text in one line, or `otherwise` if there are no words."""
    shown = "".join(character if character.isprintable() else " " for character in text or "")
    return textwrap.shorten(shown, TITLE_CHARACTERS, placeholder=" …") or otherwise


def describe_confidence(confidence: float | None, *, is_bound: bool) -> str:
    """Describe the confidence of a request in words. `is_bound` marks an upper bound."""
    if confidence is None:
        return "confidence unknown"
    return f"confidence {'at most ' if is_bound else ''}{confidence:.1%}"
