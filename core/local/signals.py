"""How `manage.py run` ends: in order, whichever signal asks for it and whenever."""

import contextlib
import signal
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_by_signals() -> Generator[None]:
    """Leave the block, unwinding it, on Ctrl-C, SIGTERM or a closed terminal; that is no error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # nohup ignores a hang-up on purpose. Otherwise whoever handles SIGTERM at that time is to handle this as well:
    # while it serves, uvicorn.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    with contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def undisturbed() -> Generator[None]:
    """Ignore those signals: an impatient second Ctrl-C must not cut the stopping short."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
