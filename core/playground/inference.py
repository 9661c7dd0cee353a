"""Run a chat on a model server, with or without a mod. The server itself posts the trace to /v1/ingest."""

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from core.access.access import Access
from core.access.limits import CallLimit
from core.playground.keys import admit_call
from core.playground.models import Model
from core.playground.mods import ModName
from core.settings import Settings
from core.upstream.deadline import Deadline
from core.upstream.errors import UpstreamTimeoutError
from core.wire.models import Body

if TYPE_CHECKING:
    from core.upstream.client import Upstreams

TIMEOUT_S = 130
"""Timeout of the server. Together with the waits before it, it is below the 150 s after which Modal answers 303, which
browsers can't follow."""
LIMIT = CallLimit("inference")
MAX_MESSAGES = 100
MAX_ROLE_CHARACTERS = 32
MAX_TOKENS = 8192
MAX_TEMPERATURE = 2
PREFIX = "chatcmpl-"
_ID_FIELDS = ("request_id", "x_request_id", "concordance_request_id", "id")


class Message(Body):
    """A message of the chat."""

    role: Annotated[str, Field(min_length=1, max_length=MAX_ROLE_CHARACTERS)]
    content: str


class InferenceRequest(Body):
    """A chat.

    Attributes:
        model: the model.
        messages: the messages so far.
        mod_name: the name of an uploaded mod. A name that the server does not know has no effect.
        max_tokens: the maximum number of tokens of the answer.
        temperature: the sampling temperature.
        extract_features: has no effect; the UI sends it.
    """

    model: Annotated[Model, Field(strict=False)]
    messages: Annotated[list[Message], Field(min_length=1, max_length=MAX_MESSAGES)]
    mod_name: ModName | None = None
    max_tokens: Annotated[int, Field(ge=1, le=MAX_TOKENS)] | None = None
    temperature: Annotated[float, Field(ge=0, le=MAX_TEMPERATURE)] | None = None
    extract_features: bool | None = None


class Inference(BaseModel):
    """The answer of a model.

    Attributes:
        text: the text of the answer; empty if it has none.
        request_id: the id of its log; None if the server reports no id.
        raw_response: the response of the server, without secrets and addresses.
    """

    text: str
    request_id: str | None
    raw_response: dict[str, Any]


async def run_inference(
    access: Access, upstreams: "Upstreams", settings: Settings, key: str | None, chat: InferenceRequest
) -> Inference:
    """Run a chat, as the user that the key identifies.

    Raises:
        ForbiddenError: the key can't be used in the playground.
        TooManyCallsError: the key or its address has used up its calls.
        UpstreamError: the setting is missing, or the server does not answer the chat.
    """
    deadline, server = Deadline(), chat.model.find_server(settings)
    user_key = await admit_call(access, key, server, LIMIT)
    try:
        response = await upstreams.post(
            server,
            "/v1/chat/completions",
            _write_chat(chat, user_key),
            timeout_s=deadline.limit(TIMEOUT_S),
            user_key=user_key,
        )
    except UpstreamTimeoutError:
        raise UpstreamTimeoutError(
            f"model server: did not finish within {TIMEOUT_S} s; look for the log in your feed later"
        ) from None
    return Inference(text=_read_text(response), request_id=_read_id(response), raw_response=response)


def _write_chat(chat: InferenceRequest, user_key: str) -> dict[str, object]:
    options = chat.model_dump(include={"max_tokens", "temperature"}, exclude_none=True)
    model = chat.model.base_id if chat.mod_name is None else f"{chat.model.base_id}/{chat.mod_name}"
    messages = [message.model_dump() for message in chat.messages]
    return {"model": model, "messages": messages, "user_api_key": user_key, **options}


def _read_text(response: dict[str, Any]) -> str:
    match response:
        case {"choices": [{"message": {"content": str(text)}}, *_]}:
            return text
        case _:
            return ""


def _read_id(response: dict[str, Any]) -> str | None:
    texts = (text for name in _ID_FIELDS if isinstance(text := response.get(name), str))
    return next(filter(None, (text.removeprefix(PREFIX) for text in texts)), None)
