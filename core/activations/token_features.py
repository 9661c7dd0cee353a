"""The strongest features at each token of a trace, as its log shows them."""

import asyncio
from typing import TypedDict

from psycopg import AsyncConnection

from core.activations import store
from core.activations.features import Entry, find_offset, unpack_entries
from core.activations.store import LinkedRun

SHOWN = 5
"""Features per token."""


class StepFeatures(TypedDict):
    """The features at a token: id and activation of each, the strongest first."""

    step_index: int
    features: list[Entry]


class TokenFeatures(TypedDict):
    """The run that the HF server traced. Steps without features are left out."""

    request_id: str
    sae_id: str | None
    sae_layer: int | None
    steps: list[StepFeatures]


async def read_token_features(conn: AsyncConnection, request_pk: int) -> TokenFeatures | None:
    """Read the strongest features at the tokens of a trace; None if no run is linked to it anymore."""
    run = await store.GET_LINKED_RUN.fetch_one(conn, request_pk=request_pk)
    return None if run is None else await asyncio.to_thread(_derive, run)


def _derive(run: LinkedRun) -> TokenFeatures:
    return {
        "request_id": run.request_id,
        "sae_id": run.sae_id,
        "sae_layer": run.sae_layer,
        "steps": pair_with_steps(unpack_entries(run.answer), run.output_token_ids, run.token, run.discarded),
    }


def pair_with_steps(
    entries: list[Entry], sequence: list[int], tokens: list[int], discarded: list[bool]
) -> list[StepFeatures]:
    """Return the strongest features at each token of a trace; an empty list if its tokens don't end the sequence."""
    kept = [index for index, is_discarded in enumerate(discarded) if not is_discarded]
    offset = find_offset(sequence, [tokens[index] for index in kept])
    if offset is None:
        return []
    by_position = {entry["position"]: entry["top_features"][:SHOWN] for entry in entries}
    return [
        {"step_index": index, "features": features}
        for position, index in enumerate(kept, offset)
        if (features := by_position.get(position))
    ]
