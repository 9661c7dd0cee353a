"""An orderly shutdown of `manage.py run`, for every signal and at any time."""

import contextlib
import signal
import sys
from collections.abc import Generator

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
REPEAT_SECONDS = 0.05


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
        with contextlib.suppress(KeyboardInterrupt), _repeating_interrupts():
            yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


@contextlib.contextmanager
def _repeating_interrupts() -> Generator[None]:
    """Repeat an interrupt that Python drops, because it arrived in a finalizer or in a callback of an import."""
    report = sys.unraisablehook

    def repeat(dropped: "sys.UnraisableHookArgs") -> None:
        if dropped.exc_type is KeyboardInterrupt:
            signal.setitimer(signal.ITIMER_REAL, REPEAT_SECONDS)
        else:
            report(dropped)

    sys.unraisablehook = repeat
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        yield
    finally:
        sys.unraisablehook = report
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def ignoring_signals() -> Generator[None]:
    """Ignore these signals in the block, so that a second Ctrl-C doesn't interrupt the shutdown."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (*ENDING, signal.SIGALRM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
