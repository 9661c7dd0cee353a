"""Build traces of any length from recorded ones.

Steps are copied from docs/samples and docs/labelled. The first ones are from force-prefix, whose mod forces nine
tokens. Of the others, one in ten is from ban-the (a call and AdjustedLogits), one in ten from noisy-logger (a call, a
line, an action), and the rest from traces without mods, long-story first. If a recording is used again, the
log-probabilities of its steps change by up to a thousandth, because exact repetitions would compress better than real
traces.
"""

import gzip
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

Json = dict[str, Any]

TRACES = Path(__file__).parents[2] / "docs" / "samples"
LABELLED = Path(__file__).parents[2] / "docs" / "labelled" / "traces.ndjson.gz"
LABELLED_ANSWERS = 200
OPENING = "force-prefix"
PLAIN = "plain"
PATTERN = (PLAIN,) * 4 + ("ban-the",) + (PLAIN,) * 4 + ("noisy-logger",)
PLACEHOLDER = "bench-" + "0" * 26
"""The id of each built trace. `with_id` replaces it with an id of the same length."""
MAX_SHIFT = 1e-3


@dataclass(frozen=True)
class Call:
    """A call of a mod, with the position of its event in the step, and its lines and actions."""

    call: Json
    event: int
    logs: list[Json]
    actions: list[Json]


@dataclass(frozen=True)
class Step:
    """One forward pass and its results."""

    events: list[Json]
    calls: list[Call]

    @property
    def tokens(self) -> list[int]:
        """The tokens that it added to the text."""
        return [token for event in self.events for token in event.get("added_tokens") or ()]


@dataclass
class Trace:
    """A trace that grows by steps, numbered as the engine does."""

    document: Json
    steps: int = 0
    tokens: list[int] = field(default_factory=list[int])
    text: list[str] = field(default_factory=list[str])

    def add(self, step: Step) -> None:
        """Append a step and its calls."""
        first = len(self.document["events"])
        for order, event in enumerate(step.events, start=first):
            self.document["events"].append({**event, "step": self.steps, "sequence_order": order})
            self.text.append(event.get("token_text") or "")
        for one in step.calls:
            number = len(self.document["mod_calls"])
            self.document["mod_calls"].append(
                {**one.call, "step": self.steps, "event_sequence_order": first + one.event}
            )
            self.document["mod_logs"] += [{**row, "mod_call_sequence": number} for row in one.logs]
            self.document["actions"] += [{**row, "mod_call_sequence": number} for row in one.actions]
        self.tokens += step.tokens
        self.steps += 1


def build_trace(tokens: int, *, seed: int = 0) -> bytes:
    """Build a trace of this many tokens (at least nine) as the engine posts it. The seed changes the numbers."""
    source = load_trace("long-story")
    head = [event for event in source["events"] if event["event_type"] == "Prefilled"]
    trace = Trace({"request": {}, "events": head, "mod_calls": [], "mod_logs": [], "actions": []})
    for step in list_steps(random.Random(seed), moved=seed != 0):
        if len(trace.tokens) >= tokens:
            break
        trace.add(step)
    trace.document["request"] = {
        **source["request"],
        "request_id": PLACEHOLDER,
        "max_tokens": tokens,
        "final_token_ids": trace.tokens,
        "final_text": "".join(trace.text),
        "inference_stats": {"prompt_tokens": 12, "generated_tokens": tokens, "total_tokens": tokens + 12},
    }
    return json.dumps(trace.document, ensure_ascii=False).encode()


def with_id(body: bytes, request_id: str) -> bytes:
    """Return a trace with another id, which may be at most as long as PLACEHOLDER."""
    return body.replace(PLACEHOLDER.encode(), request_id.encode(), 1)


def list_steps(generator: random.Random, *, moved: bool) -> Iterator[Step]:
    """Yield steps without end, in the order of PATTERN after the opening one."""
    yield split_steps(load_trace(OPENING))[0]
    sources = load_sources()
    used = dict.fromkeys(sources, 0)
    for name in itertools.cycle(PATTERN):
        lap, place = divmod(used[name], len(sources[name]))
        used[name] += 1
        step = sources[name][place]
        yield move(step, 1 + MAX_SHIFT * generator.random()) if moved or lap else step


@cache
def load_sources() -> dict[str, list[Step]]:
    """Return the steps of each name in PATTERN."""
    marked = {name: split_steps(load_trace(name)) for name in PATTERN if name != PLAIN}
    return {PLAIN: list(list_plain_steps()), **marked}


def list_plain_steps() -> Iterator[Step]:
    """Yield the steps of long-story, then those of labeled answers after the first, which contains the prompt."""
    yield from split_steps(load_trace("long-story"))
    with gzip.open(LABELLED) as lines:
        for line in itertools.islice(lines, LABELLED_ANSWERS):
            yield from split_steps(json.loads(line)["trace"])[1:]


def move(step: Step, factor: float) -> Step:
    """Return the step with its log-probabilities multiplied by a factor above 1, which keeps their order."""
    events: list[Json] = []
    for event in step.events:
        top = event.get("top_tokens")
        changed = [{**one, "logprob": one["logprob"] * factor} for one in top or ()]
        events.append({**event, "top_tokens": changed} if top else event)
    return Step(events, step.calls)


def split_steps(trace: Json) -> list[Step]:
    """Split a recorded trace into passes, without the events before the first pass."""
    events: list[Json] = trace["events"]
    starts = [place for place, event in enumerate(events) if event["event_type"] == "ForwardPass"]
    calls = list(enumerate(trace["mod_calls"]))
    steps: list[Step] = []
    for start, end in itertools.pairwise([*starts, len(events)]):
        places = {event["sequence_order"]: place for place, event in enumerate(events[start:end])}
        of_step = [(number, call) for number, call in calls if call["event_sequence_order"] in places]
        hung = [Call(call, places[call["event_sequence_order"]], *hang(trace, number)) for number, call in of_step]
        steps.append(Step(events[start:end], hung))
    return steps


def hang(trace: Json, number: int) -> tuple[list[Json], list[Json]]:
    """Return the lines and the actions of a call."""
    logs, actions = (
        [row for row in trace[name] if row["mod_call_sequence"] == number] for name in ("mod_logs", "actions")
    )
    return logs, actions


def load_trace(name: str) -> Json:
    """Read a recorded trace."""
    return json.loads((TRACES / f"{name}.json").read_bytes())
