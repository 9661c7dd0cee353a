"""Record the interventions of mods: forced runs, backtracks, and tokens sampled from adjusted logits."""

from msgspec.structs import replace

from core.confidence import Intervention, Token
from core.pairing.pending_actions import PendingActions
from core.pairing.steps import PairedAction, Pairing, Pass, Step


def record_backtrack(pairing: Pairing, action: PairedAction, gone: list[Step], overridden: Token | None) -> None:
    """Record a backtrack and the tokens it removed. Tokens that it forces are added later by record_forced_run."""
    action.discarded_tokens = len(gone)
    action.step_index = gone[0].index if gone else None
    noted = Intervention(
        action_type="Backtrack",
        mod_name=action.mod_name,
        block_key=action.block_key,
        generation_step=action.generation_step,
        first_index=None,
        last_index=None,
        overridden=overridden,
    )
    if gone:
        noted = replace(
            noted,
            discarded_first=gone[0].index,
            discarded_last=gone[-1].index,
            discarded_count=len(gone),
            discarded_indices=tuple(step.index for step in gone),
        )
        _append(pairing, action, noted)


def record_forced_run(  # noqa: PLR0913, PLR0917 - one record; every argument is one of its columns
    pairing: Pairing,
    current: Pass | None,
    cause: PairedAction | None,
    first: int,
    count: int,
    overridden: Token | None,
) -> None:
    """Record forced tokens, as a new intervention or as part of the one that their action already has."""
    noted = pairing.interventions[cause.intervention] if cause and cause.intervention is not None else None
    last = first + count - 1
    if cause and cause.intervention is not None and noted:
        begun = noted.first_index is not None
        pairing.interventions[cause.intervention] = replace(
            noted,
            generation_step=noted.generation_step if begun or not current else current.index,
            first_index=noted.first_index if begun else first,
            last_index=last,
            overridden=noted.overridden if begun else overridden,
        )
    else:
        fresh = Intervention(
            action_type=cause.action_type if cause else None,
            mod_name=cause.mod_name if cause else None,
            block_key=cause.block_key if cause else None,
            generation_step=current.index if current else None,
            first_index=first,
            last_index=last,
            overridden=overridden,
        )
        _append(pairing, cause, fresh)
    if cause:
        cause.step_index = cause.step_index if cause.forced_tokens else first
        cause.forced_tokens += count


def record_adjustment(pairing: Pairing, current: Pass, pending: PendingActions) -> None:
    """Record a token that was sampled from adjusted logits, once for each mod that adjusted them."""
    if not current.adjusted or current.first_step is None:
        return
    found: list[PairedAction | None] = [*pending.adjusting]
    pending.adjusting.clear()
    for cause in found or [None]:
        if cause:
            cause.step_index = current.first_step
        noted = Intervention(
            action_type="AdjustedLogits",
            mod_name=cause.mod_name if cause else None,
            block_key=cause.block_key if cause else None,
            generation_step=current.index,
            first_index=current.first_step,
            last_index=current.first_step,
            overridden=None,
        )
        _append(pairing, cause, noted)


def _append(pairing: Pairing, cause: PairedAction | None, noted: Intervention) -> None:
    if cause:
        cause.intervention = len(pairing.interventions)
    pairing.interventions.append(noted)
