"""Read the payload that LiteLLM's loggers send (`StandardLoggingPayload` in litellm/types/utils.py)."""

from core.responses.answers import find_error, read_answers
from core.responses.expect import expect_object, find_count, find_object, find_text, list_objects
from core.responses.item import Item, find_tags, find_time
from core.responses.summary import Summary

SOURCE = "litellm"
_KEYS = {"call_type", "model_parameters", "startTime"}
_STREAMED = "LiteLLM drops the logprobs of streamed chats; call the model without streaming to have them scored"


def is_litellm(fields: dict[str, object]) -> bool:
    """Return whether an object is a payload of LiteLLM."""
    return fields.keys() >= _KEYS


def read_litellm(fields: dict[str, object]) -> Item:
    """Read a payload. Its response has OpenAI's shape for every provider, except for Anthropic's route.

    Raises:
        InvalidInputError: a field is not valid; the message names its path.
    """
    metadata = find_object(fields.get("metadata"))
    began, ended = find_time(fields.get("startTime")), find_time(fields.get("endTime"))
    error = _find_error(fields)
    answers, failure, warnings = _read_response(fields) if error is None else ([], None, ())
    model = find_text(fields.get("model"))
    return Item(
        answers=answers,
        source=SOURCE,
        request={**find_object(fields.get("model_parameters")), "model": model, "messages": fields.get("messages")},
        request_id=find_text(fields.get("litellm_call_id")) or find_text(fields.get("id")),
        id_path="litellm_call_id",
        created_at=began,
        completed_at=ended,
        user_api_key=find_text(fields.get("user_api_key")) or find_text(metadata.get("user_api_key")),
        tags=find_tags(fields.get("request_tags")),
        metadata=metadata,
        summary=Summary(
            model=model,
            prompt_tokens=find_count(fields.get("prompt_tokens")) or None,
            generated_tokens=(find_count(fields.get("completion_tokens")) or None) if len(answers) == 1 else None,
            total_tokens=(find_count(fields.get("total_tokens")) or None) if len(answers) == 1 else None,
        ).fill(_read_message(fields)),
        error=error or failure,
        warnings=warnings,
    )


def _find_error(fields: dict[str, object]) -> str | None:
    if fields.get("status") != "failure":
        return None
    about = find_object(fields.get("error_information"))
    given = (
        find_text(fields.get("error_str")),
        find_text(about.get("error_message")),
        find_text(about.get("error_class")),
    )
    return next((text for text in given if text), None) or find_error(fields.get("error_str")) or "the call failed"


def _read_response(fields: dict[str, object]) -> tuple[list[dict[str, object]], str | None, tuple[str, ...]]:
    response = fields.get("response")
    if not isinstance(response, dict) or not response:  # LiteLLM replaces a redacted response with a text
        return [{}], None, ("response: LiteLLM sent no response, so there is nothing to score",)
    if _is_message(fields):
        return [{}], None, ("response: Anthropic's API has no logprobs, so there is nothing to score",)
    answers, failure, _ = read_answers(expect_object(response, "response"), "response")
    is_dropped = fields.get("stream") is True and not any(map(_has_logprobs, answers))
    return answers, failure, (_STREAMED,) if is_dropped else ()


def _is_message(fields: dict[str, object]) -> bool:
    """Return whether the response has the shape of Anthropic's API, which LiteLLM's route /v1/messages keeps."""
    response = find_object(fields.get("response"))
    return response.get("type") == "message" and isinstance(response.get("content"), list)


def _read_message(fields: dict[str, object]) -> Summary:
    """Return the text of a message, and why it ended."""
    if not _is_message(fields):
        return Summary()
    message = find_object(fields["response"])
    texts = [text for part in list_objects(message["content"]) if (text := find_text(part.get("text")))]
    return Summary(text="".join(texts) or None, finish_reason=find_text(message.get("stop_reason")))


def _has_logprobs(answer: dict[str, object]) -> bool:
    return any(choice.get("logprobs") for choice in list_objects(answer.get("choices")))
