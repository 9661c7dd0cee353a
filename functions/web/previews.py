"""Answer with the preview of a link: a page for browsers and crawlers, and an image. The cache of logs keeps both."""

from dataclasses import replace
from urllib.parse import quote

from fastapi import Request
from starlette.responses import Response

from core.errors import NotFoundError
from core.previews.content import PreviewImage
from core.previews.facts import PROMPT_CHARACTERS, PreviewFacts, decode_facts, read_facts
from core.previews.text import shorten
from core.shares.share import read_preview
from core.shares.store import PreviewRow
from core.traces.log_cache import CachedLog
from functions.web.account import find_account
from functions.web.context import Context
from functions.web.crawlers import find_base_url
from functions.web.document import work_on_document
from functions.web.preview import Preview, render_dead_link, render_page

NAME_CHARACTERS = 100
IMAGE = "og-image.png"
IMAGE_HEADERS = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
"""The headers of the contract. The image of a revoked link can stay in shared caches for an hour."""


async def answer_page(request: Request, context: Context, token: str, request_id: str | None = None) -> Response:
    """Answer with the page of a link to a request. Only the link of a single request has an image."""
    try:
        row, facts = await _read(request, context, token, request_id)
    except NotFoundError as error:
        return render_dead_link(request, str(error))
    preview = _describe(row, facts)
    return render_page(request, preview if request_id else add_addresses(preview, request, context))


async def answer_image(request: Request, context: Context, token: str) -> Response:
    """Answer with the image of a request.

    Raises:
        NotFoundError: the link is unknown, revoked or expired.
    """
    row, facts = await _read(request, context, token)
    cache_key, version = f"image of {token}", f"{row.version} {row.sequence_confidence}"
    cached = next((image for image in context.logs.find(cache_key) if image.version == version), None)
    if cached is None:
        image = await context.run_light(await find_account(request), _draw, _compose(row, facts))
        cached = CachedLog(version, is_owned=False, frame=image)
    context.logs.keep(cache_key, cached)
    return Response(cached.frame, media_type="image/png", headers=IMAGE_HEADERS)


def add_addresses(preview: Preview, request: Request, context: Context) -> Preview:
    """Add the absolute addresses of a page and of its image (`og-image.png`), if the address of the server is known."""
    base = find_base_url(request, context.settings)
    if base is None:
        return preview
    url = f"{base}{quote(request.scope['path'])}"
    return replace(preview, url=url, image=f"{url}/{IMAGE}")


async def _read(
    request: Request, context: Context, token: str, request_id: str | None = None
) -> tuple[PreviewRow, PreviewFacts]:
    """Read the preview of the request that a link opens. Each version of a document is parsed once per process.

    Raises:
        NotFoundError: the link is unknown, revoked or expired.
    """
    cache_key = f"facts of {token} {request_id or ''}"
    held = {one.version: one for one in context.logs.find(cache_key)}
    row = await read_preview(context.access, token=token, request_id=request_id, known=held)
    cached = held.get(row.version)
    if cached is None:
        facts = await work_on_document(request, context, read_facts, row.document or b"", row.format, row.choice)
        cached = CachedLog(row.version, is_owned=False, frame=facts)
    context.logs.keep(cache_key, cached)
    return row, decode_facts(cached.frame)


def _describe(row: PreviewRow, facts: PreviewFacts) -> Preview:
    model = shorten(row.model, NAME_CHARACTERS) or "unknown model"
    description = facts.prompt or shorten(row.final_text, PROMPT_CHARACTERS) or "Request without text"
    confidence = _describe_confidence(row, "at most ")
    return Preview(f"Inference Log - {model}", description, image_alt=f"{model}, confidence {confidence}")


def _draw(content: PreviewImage) -> bytes:
    from core.previews.image import draw_request  # noqa: PLC0415 - Pillow would delay the first answer of every function

    return draw_request(content)


def _compose(row: PreviewRow, facts: PreviewFacts) -> PreviewImage:
    return PreviewImage(
        model=row.model or "",
        max_tokens=facts.max_tokens,
        prompt=facts.prompt,
        output=row.final_text or "",
        injected=facts.injected,
        confidence=_describe_confidence(row, "≤ "),
        share=row.sequence_confidence,
    )


def _describe_confidence(row: PreviewRow, bound: str) -> str:
    if row.sequence_confidence is None:
        return "unknown"
    return f"{bound if row.sequence_confidence_is_bound else ''}{row.sequence_confidence:.1%}"
