"""An orderly shutdown of `manage.py run`, for every signal and at any time."""

import contextlib
import signal
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_by_signals() -> Generator[None]:
    """Unwind the block on Ctrl-C, SIGTERM or a closed terminal, without an error."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # nohup ignores SIGHUP on purpose. Otherwise SIGHUP is passed on to the current handler of SIGTERM, which is
    # uvicorn's while it serves.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    with contextlib.suppress(KeyboardInterrupt):
        yield


@contextlib.contextmanager
def ignoring_signals() -> Generator[None]:
    """Ignore these signals in the block, so that a second Ctrl-C doesn't interrupt the shutdown."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
