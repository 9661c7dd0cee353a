"""What pairing makes of a trace: forward passes, the steps that came of them, and the actions that changed them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from core.confidence import Intervention, Token
from core.document.schema import Event
from core.pairing.topk_lists import Lists


@dataclass(slots=True)
class PairedAction:
    """One action with the place it took effect at."""

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
    """Its place in `Pairing.interventions`; several actions may share none."""


class Pass(msgspec.Struct, gc=False):
    """One forward pass: its top-k list, as a row of `Pairing.lists`, and what was sampled from it."""

    index: int
    event: Event
    row: int | None
    sampled: Event | None = None
    first_step: int | None = None
    """The step that the list belongs to; None while no token came of the pass."""
    adjusted: bool = False
    overridden: bool = False


class Step(msgspec.Struct, gc=False):
    """One token that entered the text, forced and later discarded ones too."""

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
        """Return the step as core.confidence knows it, with its distribution where lists are given."""
        return Token(
            token=self.token,
            text=self.text,
            forced=self.forced,
            discarded=self.discarded,
            distribution=lists.get(self.row) if lists and self.row is not None else None,
        )


@dataclass(slots=True)
class Pairing:
    """A whole trace, paired."""

    events: list[Event]
    lists: Lists
    passes: list[Pass] = field(default_factory=list)
    pass_of_event: list[int] = field(default_factory=list)
    """For each event in order: the index of its forward pass, 0 before the first."""
    steps: list[Step] = field(default_factory=list)
    actions: list[PairedAction] = field(default_factory=list)
    interventions: list[Intervention] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    """What is odd about the trace, a sentence each."""
