"""Render the HTML page of a link, for browsers and for link previews in chat programs (Open Graph)."""

import base64
import hashlib
import html
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import Query, Request
from starlette.responses import HTMLResponse

from core.previews.content import HEIGHT, WIDTH
from functions.web.conditional import DEPENDS_ON
from functions.web.viewer import has_viewer, render_viewer

SITE = "Thunder"
VARIES = f"{DEPENDS_ON}, User-Agent"
"""Vary of a page that crawlers get regardless of Accept."""
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
    "Vary": VARIES,
}
PAGES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}, "application/json": {}}}}
"""For a route's `responses`."""
FormatParam = Annotated[Literal["json"] | None, Query(alias="format", description="return JSON, ignoring Accept")]

_TAG = '<meta {kind}="{name}" content="{content}">'
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
    """The content of the tags of a page, as plain text; rendering escapes it.

    Attributes:
        title: the title of the page.
        description: the text below it.
        url: the absolute address of the page, if known.
        image: the absolute address of its image, if it has one.
        image_alt: the content of the image in words.
        is_site: whether it is a page of the site, which search engines may list, and not a request or a collection.
    """

    title: str
    description: str
    url: str | None = None
    image: str | None = None
    image_alt: str = ""
    is_site: bool = False


def render_page(request: Request, preview: Preview) -> HTMLResponse:
    """Render the viewer if this application serves it, else a page with a link to the data."""
    return _render(request, preview, 200, _FURTHER)


def render_dead_link(request: Request, sentence: str) -> HTMLResponse:
    """Render the page of a link that is unknown, revoked or expired."""
    return _render(request, Preview("Not found", sentence[:1].upper() + sentence[1:] + "."), 404, "")


def render_plain_page(preview: Preview) -> HTMLResponse:
    """Render a page of text and tags."""
    return HTMLResponse(_fill(preview, _list_tags(preview), ""), 200, HEADERS)


def _render(request: Request, preview: Preview, status: int, further: str) -> HTMLResponse:
    head = _list_tags(preview)
    if has_viewer(request):
        answer = render_viewer(
            request.url.path,
            title=preview.title,
            description=preview.description,
            head=head,
            further=further,
        )
        answer.status_code = status
        answer.headers["Vary"] = VARIES
    else:
        answer = HTMLResponse(_fill(preview, head, further), status, HEADERS)
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _fill(preview: Preview, head: str, further: str) -> str:
    title, description = html.escape(preview.title), html.escape(preview.description)
    return _PAGE.format(title=title, description=description, head=head, style=STYLE, further=further)


def _list_tags(preview: Preview) -> str:
    """Return the tags of a page: Open Graph's, which most programs read, and Twitter's."""
    named = {
        "description": preview.description,
        "twitter:card": "summary_large_image" if preview.image else "summary",
        "twitter:title": preview.title,
        "twitter:description": preview.description,
    }
    properties = {
        "og:type": "website" if preview.is_site else "article",
        "og:site_name": SITE,
        "og:title": preview.title,
        "og:description": preview.description,
    }
    if not preview.is_site:
        named["robots"] = "noindex"
    if preview.url:
        properties["og:url"] = preview.url
    if preview.image:
        named |= {"twitter:image": preview.image, "twitter:image:alt": preview.image_alt}
        properties |= {
            "og:image": preview.image,
            "og:image:type": "image/png",
            "og:image:width": str(WIDTH),
            "og:image:height": str(HEIGHT),
            "og:image:alt": preview.image_alt,
        }
    kinds = {"name": named, "property": properties}
    return "\n".join(
        _TAG.format(kind=kind, name=name, content=html.escape(content))
        for kind, tags in kinds.items()
        for name, content in tags.items()
    )
