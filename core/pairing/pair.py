"""Pair events into steps: the tokens that entered the text, their forward passes, and the mods that forced them.

Events are paired by order, never by `step` (some engine builds leave it 0): a ForwardPass, then the last Sampled before
the next ForwardPass, then the Added with the tokens that entered the text. docs/QUOTE.md describes the rules.
"""

from collections.abc import Mapping

from core.confidence import Token
from core.document.schema import MAX_TOKENS, Event, TraceDocument, strip_user_key
from core.pairing.backtracks import Removal, fit_backtracks
from core.pairing.interventions import record_adjustment, record_backtrack, record_forced_run
from core.pairing.pending_actions import FORCING_ACTIONS, PendingActions, read_actions
from core.pairing.steps import PairedAction, Pairing, Pass, Step
from core.pairing.token_texts import fill_texts
from core.pairing.topk_lists import read_lists


def pair_trace(document: TraceDocument) -> Pairing:
    """Pair a checked document.

    Raises:
        InvalidInputError: a top-k list is not a distribution, or the length of a backtrack is not a count.
    """
    pairer = _Pairer(document, {})
    pairing = pairer.run()
    counts = fit_backtracks(pairing, pairer.removals, document.request.final_token_ids)
    if counts:
        pairing = _Pairer(document, counts).run()
        pairing.warnings += [
            f"actions[{index}]: backtrack_steps {pairing.actions[index].backtrack_steps} is counted as {count}, "
            "to match final_token_ids"
            for index, count in counts.items()
        ]
    fill_texts(pairing)
    return pairing


class _Pairer:
    """Reads the events once. The surviving steps are a stack, and backtracks pop from it."""

    def __init__(self, document: TraceDocument, counts: Mapping[int, int]) -> None:
        orders = [event.sequence_order for event in document.events]
        posted = sorted(range(len(orders)), key=orders.__getitem__)
        events = [document.events[index] for index in posted]
        self.pairing = Pairing(events, read_lists(events, posted), actions=read_actions(document))
        self.pending = PendingActions(document, self.pairing.actions)
        self.surviving: list[Step] = []
        self.current: Pass | None = None
        self.counts = counts
        self.removals: list[Removal] = []

    def run(self) -> Pairing:
        for event in self.pairing.events:
            match event.event_type:
                case "ForwardPass":
                    self._open_pass(event)
                case "Sampled" if self.current is not None:
                    self.current.sampled = event
                case "Added":
                    self._add(event)
                case _:
                    pass
            self.pairing.pass_of_event.append(self.current.index if self.current else 0)
            if event.sequence_order in self.pending.at_event:
                self._take_actions(event)
        self._end_pass()
        return self.pairing

    def _open_pass(self, event: Event) -> None:
        self._end_pass()
        self.pending.open_pass()
        row = self.pairing.lists.rows.get(event.sequence_order)
        self.current = Pass(len(self.pairing.passes), event, row, adjusted=bool(event.adjusted_logits))
        self.pairing.passes.append(self.current)

    def _end_pass(self) -> None:
        """End the current pass. A sampled token without an Added entered the text unless a mod overrode it."""
        current = self.current
        if current and current.sampled and current.first_step is None and not current.overridden:
            sampled = current.sampled
            self._push(sampled, sampled.sampled_token, sampled.token_text, forced=False)
            record_adjustment(self.pairing, current, self.pending)
        self._backtrack()

    def _take_actions(self, event: Event) -> None:
        for action in self.pending.take(event, self.current):
            if self.current and event.event_type != "Added":
                self.current.adjusted |= action.action_type == "AdjustedLogits"
                self.current.overridden |= action.action_type in FORCING_ACTIONS

    def _add(self, event: Event) -> None:
        self._backtrack()
        tokens = self._read_added(event)
        forced = self._is_forced(event, tokens)
        if not tokens:
            if self.current:  # the engine reports that the sampled token did not enter the text
                self.current.overridden = True
            return
        cause = self.pending.forcing if forced else None
        first, overridden = len(self.pairing.steps), self._find_overridden() if forced else None
        for offset, token in enumerate(tokens):
            self._push(
                event, token, self._find_text(event, token, cause, offset, len(tokens)), forced=forced, cause=cause
            )
        if forced:
            record_forced_run(self.pairing, self.current, cause, first, len(tokens), overridden)
        elif self.current:
            record_adjustment(self.pairing, self.current, self.pending)

    def _read_added(self, event: Event) -> list[int | None]:
        """Return the added tokens. If only their count is known, they are None, except for a sampled token."""
        if event.added_tokens or (event.added_tokens is not None and not event.added_token_count):
            return list(event.added_tokens)
        count = event.added_token_count
        if count is None:
            count = 1 if self.current and self.current.sampled and not event.forced else 0
        tokens: list[int | None] = [None] * min(count, MAX_TOKENS - len(self.pairing.steps))
        if tokens and (sampled := self._find_unreported(event, count)):
            tokens[0] = sampled.sampled_token
        return tokens

    def _find_unreported(self, event: Event, count: int) -> Event | None:
        """Return the Sampled that an Added without ids refers to; None if its tokens were, or may be, forced."""
        current = self.current
        if current is None or event.forced or current.first_step is not None:
            return None
        is_certain = event.forced is False or event.added_token_count is None
        return current.sampled if is_certain or (count == 1 and not current.overridden) else None

    def _is_forced(self, event: Event, tokens: list[int | None]) -> bool:
        """Return the event's `forced`. Without it, anything but the sampled token alone was forced."""
        if event.forced is not None:
            return event.forced
        sampled = self.current.sampled if self.current else None
        alone = len(tokens) == 1 and (sampled is None or sampled.sampled_token in (None, tokens[0]))
        return not alone

    def _push(
        self, event: Event, token: int | None, text: str | None, *, forced: bool, cause: PairedAction | None = None
    ) -> None:
        current = self.current
        fresh = current is not None and current.first_step is None
        by = event.forced_by and strip_user_key(event.forced_by)
        step = Step(
            index=len(self.pairing.steps),
            token=token,
            text=text,
            forced=forced,
            forced_by=(by or (cause.mod_name if cause else None)) if forced else None,
            adjusted_logits=bool(event.adjusted_logits or (current and current.adjusted)),
            event=event,
            source=current,
            row=current.row if current and fresh else None,
        )
        if current and fresh:
            current.first_step = step.index
        self.pairing.steps.append(step)
        self.surviving.append(step)

    def _backtrack(self) -> None:
        """Apply the pending backtracks: each removes the last n surviving tokens."""
        if not self.pending.backtracks:
            return
        for action in self.pending.take_backtracks():
            wanted = self.counts.get(action.index, action.backtrack_steps)
            self.removals.append(Removal(action.index, len(self.pairing.steps), wanted))
            count = min(wanted, len(self.surviving))
            gone = self.surviving[len(self.surviving) - count :]
            del self.surviving[len(self.surviving) - count :]
            for step in gone:
                step.discarded = True
            record_backtrack(self.pairing, action, gone, self._find_overridden())

    def _find_overridden(self) -> Token | None:
        current = self.current
        if current is None or current.sampled is None or current.first_step is not None:
            return None
        sampled = current.sampled
        distribution = None if current.row is None else self.pairing.lists.get(current.row)
        return Token(token=sampled.sampled_token, text=sampled.token_text, distribution=distribution)

    def _find_text(
        self, event: Event, token: int | None, cause: PairedAction | None, offset: int, count: int
    ) -> str | None:
        """Return a token's text from the action that forced it, from the Sampled, or from the Added itself.

        An action may force its tokens in several Added events; its texts cover all of them.
        """
        texts = cause.tokens_as_text if cause else ()
        position = (cause.forced_tokens if cause else 0) + offset
        if len(texts) >= position - offset + count and isinstance(text := texts[position], str):
            return text
        sampled = self.current.sampled if self.current else None
        if sampled and token is not None and sampled.sampled_token == token and sampled.token_text is not None:
            return sampled.token_text
        return event.token_text if count == 1 else None
