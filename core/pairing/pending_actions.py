"""The actions of mods that have not taken effect yet, while a trace is being paired."""

from collections import defaultdict

from core.document.parse import read_backtrack_steps
from core.document.schema import Event, ModCall, TraceDocument, strip_user_key
from core.pairing.steps import PairedAction, Pass

FORCING_ACTIONS = frozenset({"ForceTokens", "ForceOutput", "Backtrack", "ToolCalls"})
"""Actions whose tokens enter the text in place of the sampled one."""


def block_key(call: ModCall) -> str:
    """Return the name of the handler that a call went to. A mod has one handler per event type."""
    return f"{strip_user_key(call.mod_name)}:{call.event_type}"


def read_actions(document: TraceDocument) -> list[PairedAction]:
    """Return the posted actions in order, each with its mod and handler."""
    return [_read_action(document, index) for index in range(len(document.actions))]


def _read_action(document: TraceDocument, index: int) -> PairedAction:
    action = document.actions[index]
    call = document.mod_calls[action.mod_call_sequence]
    texts = action.get("tokens_as_text")
    return PairedAction(
        index=index,
        call_index=action.mod_call_sequence,
        action_type=action.action_type,
        mod_name=strip_user_key(call.mod_name),
        block_key=block_key(call),
        backtrack_steps=read_backtrack_steps(action, index),
        tokens_as_text=texts if isinstance(texts, list) else (),
    )


class PendingActions:
    """The actions that wait for the Added event they cause.

    An action at a ForwardPass or Sampled event affects that pass only. An action before the first pass, or at an Added
    event, affects the next pass.
    """

    def __init__(self, document: TraceDocument, actions: list[PairedAction]) -> None:
        self.at_event = _group_by_event(document, actions)
        self.forcing: PairedAction | None = None
        self.adjusting: list[PairedAction] = []
        self.backtracks: list[PairedAction] = []
        self._is_for_next_pass = False

    def take(self, event: Event, current: Pass | None) -> list[PairedAction]:
        """Make the actions at an event pending, and return them."""
        taken = self.at_event.get(event.sequence_order, [])
        for action in taken:
            action.generation_step = current.index if current else None
            if action.action_type == "Backtrack":
                self.backtracks.append(action)
            if action.action_type in FORCING_ACTIONS:
                self.forcing = action
                self._is_for_next_pass = event.event_type in ("Added", "Prefilled")
            elif action.action_type == "AdjustedLogits":
                self.adjusting.append(action)
        return taken

    def take_backtracks(self) -> list[PairedAction]:
        """Return the pending backtracks, and remove them."""
        due = [*self.backtracks]
        self.backtracks.clear()
        return due

    def open_pass(self) -> None:
        """Drop the pending actions of the previous pass."""
        self.adjusting = []
        if not self._is_for_next_pass:
            self.forcing = None
        self._is_for_next_pass = False


def _group_by_event(document: TraceDocument, actions: list[PairedAction]) -> dict[int, list[PairedAction]]:
    """Group actions by the sequence_order of the event that their handler was called for, in the order of execution."""
    grouped: defaultdict[int, list[PairedAction]] = defaultdict(list)
    for action in sorted(actions, key=lambda one: (one.call_index, document.actions[one.index].action_order)):
        order = document.mod_calls[action.call_index].event_sequence_order
        grouped[order].append(action)
    return grouped
