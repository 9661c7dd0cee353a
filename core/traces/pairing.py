"""From events to steps: which tokens entered the text, from which forward pass, and who put them there.

Events are paired by order, never by `step` (some engine builds leave it 0): a ForwardPass, then the last Sampled before
the next ForwardPass, then the Added that says what really entered the text. docs/QUOTE.md tells the whole story.
"""

from core.confidence import Distribution, Intervention, InvalidDistribution, Token, read_distribution
from core.errors import InvalidInputError
from core.traces.document import Event, ModCall, TraceDocument, strip_user_key
from core.traces.parse import read_action_fields
from core.traces.steps import PairedAction, Pairing, Pass, Step
from core.traces.texts import fill_texts

FORCING_ACTIONS = frozenset({"ForceTokens", "ForceOutput", "Backtrack", "ToolCalls"})
"""Actions whose tokens enter the text in place of the sampled one."""


def block_key(call: ModCall) -> str:
    """A handler's name: a mod has one per event type."""
    return f"{strip_user_key(call.mod_name)}:{call.event_type}"


def pair_trace(document: TraceDocument) -> Pairing:
    """Pair a checked document.

    Raises:
        InvalidInputError: a top-k list is no distribution, or a backtrack's length is no count.
    """
    pairing = _Pairer(document).run()
    fill_texts(pairing)
    return pairing


class _Pairer:
    """Walks the events once, keeping the surviving steps as a stack that backtracks pop from."""

    def __init__(self, document: TraceDocument) -> None:
        order = sorted(range(len(document.events)), key=lambda index: document.events[index].sequence_order)
        self.document = document
        self.posted_index = order
        self.pairing = Pairing([document.events[index] for index in order])
        self.surviving: list[Step] = []
        self.pending: list[PairedAction] = []
        self.current: Pass | None = None
        self.pairing.actions = _read_actions(document)
        self.actions_at = _group_by_event(document, self.pairing.actions)

    def run(self) -> Pairing:
        for position, event in enumerate(self.pairing.events):
            match event.event_type:
                case "ForwardPass":
                    self._open_pass(event, self.posted_index[position])
                case "Sampled" if self.current is not None:
                    self.current.sampled = event
                case "Added":
                    self._add(event)
                case _:
                    pass
            self.pairing.pass_of_event.append(self.current.index if self.current else 0)
            self._take_actions(event)
        self._settle()
        return self.pairing

    def _open_pass(self, event: Event, posted_index: int) -> None:
        self._settle()
        distribution = _read_top_tokens(event, posted_index)
        self.current = Pass(len(self.pairing.passes), event, distribution, adjusted=bool(event.adjusted_logits))
        self.pairing.passes.append(self.current)

    def _settle(self) -> None:
        """End the current pass: what was sampled and neither added nor overridden entered the text unreported."""
        current = self.current
        if current and current.sampled and current.first_step is None and not current.overridden:
            self._push(current.sampled, current.sampled.sampled_token, current.sampled.token_text)
            self._note_adjustment(current)
        self._backtrack()

    def _take_actions(self, event: Event) -> None:
        for action in self.actions_at.get(event.sequence_order, ()):
            action.generation_step = self.current.index if self.current else None
            self.pending.append(action)
            if self.current and event.event_type != "Added":
                self.current.adjusted |= action.action_type == "AdjustedLogits"
                self.current.overridden |= action.action_type in FORCING_ACTIONS

    def _add(self, event: Event) -> None:
        self._backtrack()
        tokens = event.added_tokens or []
        cause = self._find_cause() if event.forced else None
        first = len(self.pairing.steps)
        overridden = self._overridden_token()
        for offset, token in enumerate(tokens):
            self._push(event, token, self._text_of(event, token, cause, offset, len(tokens)), cause=cause)
        if event.forced and tokens:
            self._note_forced_run(cause, first, len(tokens), overridden)
        elif tokens and self.current:
            self._note_adjustment(self.current)
        elif self.current and event.added_token_count == 0:
            self.current.overridden = True  # the engine says that nothing entered
        self.pending.clear()

    def _push(self, event: Event, token: int | None, text: str | None, *, cause: PairedAction | None = None) -> None:
        current = self.current
        fresh = current is not None and current.first_step is None
        step = Step(
            index=len(self.pairing.steps),
            token=token,
            text=text,
            forced=bool(event.forced),
            forced_by=(event.forced_by or (cause.mod_name if cause else None)) if event.forced else None,
            adjusted_logits=bool(event.adjusted_logits or (current and current.adjusted)),
            event=event,
            source=current,
            distribution=current.distribution if current and fresh else None,
        )
        if current and fresh:
            current.first_step = step.index
        self.pairing.steps.append(step)
        self.surviving.append(step)

    def _backtrack(self) -> None:
        """Apply the pending backtracks: each removes the last n surviving tokens."""
        for action in [action for action in self.pending if action.backtrack_steps]:
            count = min(action.backtrack_steps, len(self.surviving))
            gone = self.surviving[len(self.surviving) - count :]
            del self.surviving[len(self.surviving) - count :]
            action.discarded_tokens, action.backtrack_steps = count, 0
            for step in gone:
                step.discarded = True
            if gone:
                self._note_backtrack(action, gone)

    def _find_cause(self) -> PairedAction | None:
        """The last action before a forced Added that can force tokens."""
        return next((action for action in reversed(self.pending) if action.action_type in FORCING_ACTIONS), None)

    def _overridden_token(self) -> Token | None:
        current = self.current
        if current is None or current.sampled is None or current.first_step is not None:
            return None
        sampled = current.sampled
        return Token(token=sampled.sampled_token, text=sampled.token_text, distribution=current.distribution)

    def _note_backtrack(self, action: PairedAction, gone: list[Step]) -> None:
        action.intervention = len(self.pairing.interventions)
        action.step_index = gone[0].index
        self.pairing.interventions.append(
            Intervention(
                action_type="Backtrack",
                mod_name=action.mod_name,
                block_key=action.block_key,
                generation_step=action.generation_step,
                first_index=None,
                last_index=None,
                overridden=self._overridden_token(),
                discarded_first=gone[0].index,
                discarded_last=gone[-1].index,
                discarded_count=len(gone),
                discarded_indices=tuple(step.index for step in gone),
            )
        )

    def _note_forced_run(
        self,
        cause: PairedAction | None,
        first: int,
        count: int,
        overridden: Token | None,
    ) -> None:
        merged = cause.intervention if cause else None
        before = self.pairing.interventions[merged] if merged is not None else None
        noted = Intervention(
            action_type=cause.action_type if cause else None,
            mod_name=cause.mod_name if cause else None,
            block_key=cause.block_key if cause else None,
            generation_step=self.current.index if self.current else None,
            first_index=first,
            last_index=first + count - 1,
            overridden=overridden,
            discarded_first=before.discarded_first if before else None,
            discarded_last=before.discarded_last if before else None,
            discarded_count=before.discarded_count if before else 0,
            discarded_indices=before.discarded_indices if before else (),
        )
        if merged is not None:
            self.pairing.interventions[merged] = noted
        else:
            self.pairing.interventions.append(noted)
        if cause:
            cause.intervention = merged if merged is not None else len(self.pairing.interventions) - 1
            cause.step_index, cause.forced_tokens = first, count

    def _note_adjustment(self, current: Pass) -> None:
        """A sampled token of a pass whose logits a mod adjusted."""
        cause = next((action for action in reversed(self.pending) if action.action_type == "AdjustedLogits"), None)
        if not current.adjusted or current.first_step is None:
            return
        self.pairing.interventions.append(
            Intervention(
                action_type="AdjustedLogits",
                mod_name=cause.mod_name if cause else None,
                block_key=cause.block_key if cause else None,
                generation_step=current.index,
                first_index=current.first_step,
                last_index=current.first_step,
                overridden=None,
            )
        )
        if cause:
            cause.intervention = len(self.pairing.interventions) - 1
            cause.step_index = current.first_step

    def _text_of(self, event: Event, token: int, cause: PairedAction | None, offset: int, count: int) -> str | None:
        sampled = self.current.sampled if self.current else None
        if cause and len(cause.tokens_as_text) == count and isinstance(text := cause.tokens_as_text[offset], str):
            return text
        if sampled and sampled.sampled_token == token and sampled.token_text is not None:
            return sampled.token_text
        return event.token_text if count == 1 else None


def _read_actions(document: TraceDocument) -> list[PairedAction]:
    return [_read_action(document, index) for index in range(len(document.actions))]


def _read_action(document: TraceDocument, index: int) -> PairedAction:
    action = document.actions[index]
    call = document.mod_calls[action.mod_call_sequence]
    payload = action.payload
    texts = payload.get("tokens_as_text")
    return PairedAction(
        index=index,
        call_index=action.mod_call_sequence,
        action_type=action.action_type,
        mod_name=strip_user_key(call.mod_name),
        block_key=block_key(call),
        backtrack_steps=read_action_fields(payload, index).backtrack_steps,
        tokens_as_text=texts if isinstance(texts, list) else (),
    )


def _group_by_event(document: TraceDocument, actions: list[PairedAction]) -> dict[int, list[PairedAction]]:
    """Actions by the sequence_order of the event their call was made for, in the order they were taken."""
    grouped: dict[int, list[PairedAction]] = {}
    for action in sorted(actions, key=lambda a: (a.call_index, document.actions[a.index].action_order)):
        order = document.mod_calls[action.call_index].event_sequence_order
        grouped.setdefault(order, []).append(action)
    return grouped


def _read_top_tokens(event: Event, posted_index: int) -> Distribution | None:
    if not event.top_tokens:
        return None
    try:
        return read_distribution(event.top_tokens, f"events[{posted_index}].top_tokens")
    except InvalidDistribution as error:
        raise InvalidInputError(str(error)) from None
