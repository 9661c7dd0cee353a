"""The rows of a log's lists. Fields and their order follow "The log" in docs/API.md."""

from datetime import datetime
from typing import Any

import msgspec


class EventRow(msgspec.Struct, gc=False):
    """One posted event."""

    id: int
    event_type: str
    step: int
    sequence_order: int
    created_at: datetime | None
    prompt_length: int | None
    max_steps: int | None
    input_text: str | None
    top_tokens: Any
    sampled_token: int | None
    token_text: str | None
    added_tokens: list[int] | None
    added_token_count: int | None
    forced: bool | None


class ModCallRow(msgspec.Struct, gc=False):
    """One call of a mod's handler."""

    id: int
    event_id: int
    mod_name: str
    event_type: str
    step: int
    created_at: datetime | None
    execution_time_ms: float | None
    exception_occurred: bool
    exception_message: str | None
    exception_traceback: str | None


class ModLogRow(msgspec.Struct, gc=False):
    """One line logged by a mod."""

    id: int
    mod_call_id: int
    mod_name: str
    log_message: str
    log_level: str
    created_at: datetime | None


class ActionRow(msgspec.Struct, gc=False):
    """One action of a mod.

    `step_index` stays null. With a number, the Quote UI would show the action on every pass of that step.
    """

    action_id: int
    generation_step: int | None
    mod_id: int
    block_id: int
    block_key: str
    action_type: str
    event: str
    payload: dict[str, Any]
    created_at: datetime | None
    step_index: None = None


class StepRow(msgspec.Struct, gc=False):
    """One token that entered the text, with its scores. `core.confidence.TokenScores` defines them."""

    step_index: int
    generation_step: int | None
    token: int | None
    token_text: str | None
    forced: bool
    forced_by: str | None
    adjusted_logits: bool
    discarded: bool
    top_k: int | None
    top_p: float | None
    temperature: float | None
    prob: float | None
    prob_upper_bound: float | None
    logprob: float | None
    entropy: float | None
    flatness: float | None
    surprisal: float | None
    cum_nll: float | None
    created_at: datetime | None
    rng_counter: None = None


class PassRow(msgspec.Struct, gc=False):
    """One forward pass with a top-k list: an entry of `step_logit_summaries`."""

    id: int
    step_index: int
    phase: str
    topk: Any
    top_p_cutoff: float | None
    top_p_count: int | None
    created_at: datetime | None
    note: None = None
