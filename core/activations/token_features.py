"""The strongest features at each token of a trace, as its log shows them."""

import asyncio
from typing import TypedDict

from psycopg import AsyncConnection

from core.activations import store
from core.activations.features import Entry, unpack_entries
from core.activations.store import StoredAnswer

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
    run = await store.GET_ANSWER.fetch_one(
        conn, request_id=None, request_pk=request_pk, sees_all=True, is_keyless=False, owner=None
    )
    return None if run is None else await asyncio.to_thread(_derive, run)


def _derive(run: StoredAnswer) -> TokenFeatures:
    by_position = {entry["position"]: entry["top_features"][:SHOWN] for entry in unpack_entries(run.frame)}
    return {
        "request_id": run.request_id,
        "sae_id": run.sae_id,
        "sae_layer": run.sae_layer,
        "steps": [
            {"step_index": index, "features": features}
            for index, position in run.place_steps()
            if (features := by_position.get(position))
        ],
    }
