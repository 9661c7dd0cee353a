"""Answer an export of OTLP/HTTP: store its LLM spans, and report those that can't be stored."""

from fastapi import Request, Response

from core.access.caller import ForbiddenError
from core.traces.ingest import OtherOwnerError, ingest_answers
from core.traces.otlp import prepare_export, write_answer
from functions.web.body import JSON, PROTOBUF, read_type, receive_body
from functions.web.context import Context


async def ingest_export(request: Request, context: Context, key: str | None) -> Response:
    """Store the LLM spans of an export, each in its own transaction, and answer after the last commit.

    If the database becomes unavailable, the answer is 503. The exporter then sends all of it again, which changes
    nothing, because a span always has the same id.
    """
    is_protobuf = read_type(request) == PROTOBUF
    async with receive_body(request, context, types=(PROTOBUF, JSON)) as body:
        export = await body.work(prepare_export, await context.access.hasher(), is_protobuf)
    for answers in export.items:
        try:
            await ingest_answers(context.access, key, answers, on_alert=context.nudge_alerts)
        except (ForbiddenError, OtherOwnerError) as error:
            export.reject(f"span {answers[0].base_id!r}: {error}")
            continue
        for one in answers:
            context.metrics.note_ingest(one.document["document_bytes"], one.counts)
        context.nudge_streams()
    answer = write_answer(export, is_protobuf=is_protobuf)
    return Response(answer, media_type=PROTOBUF if is_protobuf else JSON)
