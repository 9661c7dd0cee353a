"""Find the texts of forced tokens that were posted without one, in the rest of the trace."""

from core.pairing.steps import Pairing
from core.pairing.topk_lists import list_texts


def fill_texts(pairing: Pairing) -> None:
    """Set the missing texts of steps to the texts of the same tokens in the rest of the trace. Others stay None."""
    missing = [step for step in pairing.steps if step.text is None and step.token is not None]
    if not missing:
        return
    texts = list_texts(pairing.lists)
    texts |= {step.token: step.text for step in pairing.steps if step.token is not None and step.text is not None}
    for step in missing:
        step.text = texts.get(step.token) if step.token is not None else None
    _fill_from_inputs(pairing)


def _fill_from_inputs(pairing: Pairing) -> None:
    """Take a token's text from the input of the next pass, if the token alone was added between the two passes."""
    for previous, one in zip(pairing.passes, pairing.passes[1:], strict=False):
        if previous.first_step is None:
            continue
        after = previous.first_step + 1
        alone = after == len(pairing.steps) or pairing.steps[after].source is not previous
        step = pairing.steps[previous.first_step]
        if alone and step.text is None:
            step.text = one.event.input_text
