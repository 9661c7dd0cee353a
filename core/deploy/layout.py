"""Choose which web functions an environment registers. Modal limits their number per workspace."""

import re
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from core.deploy.names import EPHEMERAL, DeploymentError, find_command

STARTER_ENDPOINTS = 8
"""Web endpoints that Modal's Starter plan allows in a workspace, over all deployed apps."""

_REFUSAL = re.compile(r"limit of (\d+) web endpoints \(# already deployed => (\d+), # in this app => (\d+)\)")
_BOX = re.compile("[\u2500-\u257f]")


class Layout(StrEnum):
    """A set of web functions.

    Attributes:
        GROUPED: four functions, so that staging and production fit in the Starter plan.
        EACH: one function per endpoint module, each with its own scaling.
        ONE: `api` alone.
    """

    GROUPED = "grouped"
    EACH = "each"
    ONE = "one"


SMALLER = {Layout.GROUPED: 4, Layout.ONE: 1}
"""The number of web functions of the layouts that a plan with a limit may need."""


def choose_layout(environ: Mapping[str, str], arguments: Sequence[str]) -> Layout:
    """Choose the layout from MODAL_LAYOUT. The default is `grouped`, and `one` for `modal serve`.

    Args:
        environ: the environment variables.
        arguments: Modal's command line, without the program.

    Raises:
        DeploymentError: there is no layout with this name.
    """
    name = environ.get("MODAL_LAYOUT", "").strip().lower()
    if not name:
        return Layout.ONE if find_command(arguments) in EPHEMERAL else Layout.GROUPED
    try:
        return Layout(name)
    except ValueError:
        raise DeploymentError(f"MODAL_LAYOUT: {name!r} is not a layout; use {', '.join(Layout)}") from None


def count_functions(count: int) -> str:
    """Format a number of web functions, for example `1 web function`."""
    return f"{count} web function" if count == 1 else f"{count} web functions"


def describe_layout(layout: Layout, app_name: str, functions: Collection[str]) -> str:
    """Return the sentence that a deploy prints before anything is built."""
    count = len(functions)
    sentence = f"{app_name}: the layout {layout} registers {count_functions(count)} ({', '.join(functions)})"
    if count <= STARTER_ENDPOINTS:
        return f"{sentence}. Modal's Starter plan allows {STARTER_ENDPOINTS} in a workspace."
    return (
        f"{sentence}. That is more than the {STARTER_ENDPOINTS} in a workspace that Modal's Starter plan allows; "
        "on that plan, leave MODAL_LAYOUT unset"
    )


def describe_workspace(others: Mapping[str, int], count: int) -> str:
    """Return the sentence that compares a layout with the workspace, which a deploy prints before anything is built.

    Args:
        others: the number of web functions of each other deployed app.
        count: the web functions of this layout.
    """
    there = sum(others.values())
    named = ", ".join(f"{name}: {number}" for name, number in others.items() if number)
    sentence = (
        f"Other apps of the workspace have {count_functions(there)} ({named or 'none'}); with this one, {there + count}"
    )
    if there + count <= STARTER_ENDPOINTS:
        return f"{sentence} of {STARTER_ENDPOINTS}"
    remedy = _advise(there, count, STARTER_ENDPOINTS)
    return (
        f"{sentence}. Modal's Starter plan allows {STARTER_ENDPOINTS} and refuses this deploy. On that plan, {remedy}"
    )


def explain_refusal(output: str) -> str | None:
    """Return the remedy if Modal refused the deploy because of its limit of web endpoints, or None.

    Args:
        output: the output of `modal deploy`. Modal reports its limit, and the web endpoints of the other apps and of
            this one.
    """
    # Modal's command line draws a box around errors, which breaks their lines.
    found = _REFUSAL.search(" ".join(_BOX.sub(" ", output).split()))
    if found is None:
        return None
    limit, there, here = map(int, found.groups())
    return f"Modal's plan allows {limit} web endpoints in the workspace: {_advise(there, here, limit)}"


def _advise(there: int, here: int, limit: int) -> str:
    """Return what to do about a layout that does not fit.

    Args:
        there: the web functions of the other apps.
        here: the web functions of this layout.
        limit: the web functions that Modal allows.
    """
    fitting = [
        f"MODAL_LAYOUT={name} ({size})" for name, size in SMALLER.items() if size < here and there + size <= limit
    ]
    stop = "stop one that you don't need (`modal app stop NAME`)"
    if fitting:
        return f"set {' or '.join(fitting)}. Or look at the other apps: {stop}"
    excess = there + SMALLER[Layout.ONE] - limit
    return (
        f"no layout fits. The other apps must have {excess} fewer web functions: {stop}, or deploy one with a smaller "
        "MODAL_LAYOUT"
    )
