"""The result of pairing a trace: forward passes, the steps they produced, and the actions that changed them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from core.confidence import Intervention, Token
from core.document.schema import Event
from core.pairing.topk_lists import Lists


@dataclass(slots=True)
class PairedAction:
    """An action and the step where it took effect."""

    index: int
    call_index: int
    action_type: str
    mod_name: str
    block_key: str
    backtrack_steps: int
    tokens_as_text: Sequence[object]
    generation_step: int | None = None
    step_index: int | None = None
    forced_tokens: int = 0
    discarded_tokens: int = 0
    intervention: int | None = None
    """Its index in `Pairing.interventions`; None if the action caused no intervention."""


class Pass(msgspec.Struct, gc=False):
    """A forward pass: its top-k list (a row of `Pairing.lists`) and the token sampled from it."""

    index: int
    event: Event
    row: int | None
    sampled: Event | None = None
    first_step: int | None = None
    """The step that the list belongs to; None until the pass produces a token."""
    adjusted: bool = False
    overridden: bool = False


class Step(msgspec.Struct, gc=False):
    """A token that entered the text, even if it was forced or later discarded."""

    index: int
    token: int | None
    text: str | None
    forced: bool
    forced_by: str | None
    adjusted_logits: bool
    event: Event
    source: Pass | None
    row: int | None
    discarded: bool = False

    def to_token(self, lists: Lists | None = None) -> Token:
        """Convert the step to a token of core.confidence, with its distribution if lists are given."""
        return Token(
            token=self.token,
            text=self.text,
            forced=self.forced,
            discarded=self.discarded,
            distribution=lists.get(self.row) if lists and self.row is not None else None,
        )


@dataclass(slots=True)
class Pairing:
    """A paired trace."""

    events: list[Event]
    lists: Lists
    passes: list[Pass] = field(default_factory=list)
    pass_of_event: list[int] = field(default_factory=list)
    """The index of each event's forward pass, in the order of events; 0 before the first pass."""
    steps: list[Step] = field(default_factory=list)
    actions: list[PairedAction] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """Inconsistencies of the trace, one sentence each."""
