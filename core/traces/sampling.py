"""The sampling parameters of a request, in the sender's names."""

from core.traces.first_list import NESTED
from core.traces.kept import KeptTrace

NAMES = (
    *("temperature", "top_p", "top_k", "min_p", "typical_p", "seed"),
    *("frequency_penalty", "presence_penalty", "repetition_penalty", "repeat_penalty"),
    *("max_tokens", "max_completion_tokens", "max_output_tokens", "max_new_tokens", "n_predict", "num_predict"),
    *(
        "topP",
        "topK",
        "maxOutputTokens",
        "frequencyPenalty",
        "presencePenalty",
        "n",
        "best_of",
        "do_sample",
        "mirostat",
    ),
)


def list_sampling(kept: KeptTrace) -> dict[str, int | float | bool]:
    """Return the sampling parameters that the trace contains, by their posted names. Unknown ones are left out."""
    request = kept.trace.document.request
    sources: list[object] = [kept.prompt, *(kept.prompt.get(name) for name in NESTED)]
    found: dict[str, int | float | bool] = {}
    for source in sources:
        if isinstance(source, dict):
            found |= {name: source[name] for name in NAMES if isinstance(source.get(name), int | float)}
    if not found:
        known = {"temperature": request.temperature, **_read_events(kept), "max_tokens": request.max_tokens}
        found = {name: value for name, value in known.items() if value is not None}
    return found


def _read_events(kept: KeptTrace) -> dict[str, int | float | None]:
    """Read the settings that a Quote engine reports with its events. They don't change within a request."""
    events = kept.trace.pairing.events
    return {
        "top_p": next((event.top_p for event in events if event.top_p is not None), None),
        "top_k": next((event.top_k for event in events if event.top_k is not None), None),
    }
