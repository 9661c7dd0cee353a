"""The members of a log, and the rows of its lists. Fields and their order follow "The log" in docs/API.md."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

import msgspec

from core.activations.token_features import TokenFeatures


class LogState(TypedDict):
    """The members that can change after ingest.

    Attributes:
        revision: the number of times that the request was stored; 0 for a preview.
        user_api_key: the label of the user API key; None for readers other than the owner.
        activations: the strongest features at each token, if a run of the activations page is linked.
    """

    request_id: str
    created_ts: datetime
    revision: int
    user_api_key: str | None
    is_public: bool
    public_token: str | None
    public_expires_at: datetime | None
    favorited_by: list[str]
    tags: list[str]
    discussion_count: int
    activations: TokenFeatures | None
    source: str
    group_id: str | None
    p_correct: float | None
    calibrator: dict[str, int] | None


class ActiveMod(TypedDict):
    """The active mod. `id` is 1 in each log, because engines send names only."""

    id: int
    name: str


class LogHead(TypedDict):
    """The members that a trace has once. No engine sends those whose type is None; the Quote UI expects them."""

    finished_ts: datetime | None
    system_prompt: str | None
    user_prompt: str | None
    formatted_prompt: str | None
    model_id: str | None
    model_version: None
    tokenizer_version: None
    vocab_hash: None
    sampler_preset: None
    sampler_algo: None
    rng_seed: None
    max_steps: int | None
    active_mod: ActiveMod | None
    final_tokens: list[int] | None
    final_text: str | None
    total_steps: int
    sequence_confidence: float | None
    sequence_confidence_is_bound: bool | None
    lowest_group_confidence: float | None


class LogFacts(TypedDict):
    """The facts other than scores. `core.traces.kept.Facts` defines them."""

    eos_reason: str | None
    request_tags: dict[str, Any]
    messages: list[dict[str, str | None]] | None
    error: str | None
    warnings: Sequence[str]


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
