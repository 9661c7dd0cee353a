"""An orderly shutdown of `manage.py run`, for every signal and at any time."""

import contextlib
import signal
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextlib.contextmanager
def stopped_by_signals() -> Generator[None]:
    """Unwind the block on Ctrl-C, SIGTERM or a closed terminal, without an error.

    After the block, these signals end the process without a traceback.
    """
    # A shell that starts a job in the background makes it ignore SIGINT, and nohup makes it ignore SIGHUP.
    numbers = [number for number in ENDING if signal.getsignal(number) is not signal.SIG_IGN]
    for number in numbers:
        signal.signal(number, signal.default_int_handler)
    if signal.SIGHUP in numbers:
        # Passed on to the current handler of SIGTERM, which is uvicorn's while it serves.
        signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))
    try:
        with contextlib.suppress(KeyboardInterrupt):
            yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def ignoring_signals() -> Generator[None]:
    """Ignore these signals in the block, so that a second Ctrl-C doesn't interrupt the shutdown."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
