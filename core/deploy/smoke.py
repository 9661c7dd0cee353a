"""Test a deployed app: every web function runs the new deployment, and the app is healthy and requires a key."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from core.access.secret import NO_ADMIN_KEY, PROBLEMS
from core.deploy.layout import count_functions
from core.errors import ThunderError
from core.settings import DEPLOYMENT_HEADER
from core.wire.http_call import Answer, NoAnswerError, call

SMOKE_SECONDS = 120
"""How long the first containers may take to start."""
CALL_SECONDS = 30
PAUSE_SECONDS = 1
PARALLEL = 8
"""Functions that are tested at the same time. Each needs a container, which takes seconds to start."""
SHOWN_CHARACTERS = 300
PROBE = "no-such-path"
"""A path that no function serves. Thunder's error shows that the function has started."""


class SmokeError(ThunderError):
    """The app is online but failed a test. The previous version can be deployed again."""


def smoke(urls: Mapping[str, str], *, app_name: str, deployment_id: str | None, say: Callable[[str], object]) -> None:
    """Test the deployed app.

    Args:
        urls: the URL of each web function, with `api` among them.
        app_name: the name of the app.
        deployment_id: the id of the deployment. Until containers of the previous one stop, an answer may be theirs.
        say: called with a line for each warning, and for the result.

    Raises:
        SmokeError: a test failed.
    """
    deadline = time.monotonic() + SMOKE_SECONDS
    _check_health(urls["api"], app_name, deployment_id, deadline, say)
    unauthorized = _call(f"{urls['api']}/logs").status
    if unauthorized != 401:
        raise SmokeError(
            f"{urls['api']}/logs: deployed, but it answers {unauthorized} without a key; it must answer 401"
        )
    with ThreadPoolExecutor(PARALLEL) as executor:
        check = partial(_check_function, deployment_id=deployment_id, deadline=deadline)
        list(executor.map(check, urls.keys(), urls.values()))  # raises the first error
    say(f"{app_name} answers at {urls['api']} ({count_functions(len(urls))} tested)")


def _check_health(
    url: str, app_name: str, deployment_id: str | None, deadline: float, say: Callable[[str], object]
) -> None:
    """Check the health that the new deployment reports once it is ok, or when the time is over."""
    answer = _await_answer(f"{url}/healthz", deployment_id, deadline, lambda one: one.status == 200)
    content = answer.content if isinstance(answer.content, dict) else {}
    if answer.status != 200 or content.get("app") != app_name:
        raise SmokeError(f"{url}/healthz: deployed, but it answers {_describe(answer)}; read its log on Modal")
    for warning in content.get("warnings", []):
        if warning in PROBLEMS:
            raise SmokeError(f"{url}/healthz: deployed, but with a warning; {warning}")
        if warning != NO_ADMIN_KEY:  # the next step creates one
            say(f"warning: {warning}")


def _check_function(name: str, url: str, *, deployment_id: str | None, deadline: float) -> None:
    """Check that the new deployment of a function has started."""
    answer = _await_answer(f"{url}/{PROBE}", deployment_id, deadline, _is_thunder)
    if not _is_thunder(answer):
        raise SmokeError(f"{url}: deployed, but the function {name} answers {_describe(answer)}; read its log on Modal")


def _is_thunder(answer: Answer) -> bool:
    """Return whether the answer to a probe is an error of Thunder. Modal has errors of its own."""
    content = answer.content
    return answer.status in {404, 405} and isinstance(content, dict) and content.get("code") == answer.status


def _await_answer(url: str, deployment_id: str | None, deadline: float, is_good: Callable[[Answer], bool]) -> Answer:
    """Return the first good answer of a deployment, or at the deadline the last answer.

    Raises:
        SmokeError: the last answer is one of another deployment.
    """
    answer = _call(url)
    while not (answer.headers.get(DEPLOYMENT_HEADER) == deployment_id and is_good(answer)):
        if time.monotonic() >= deadline:
            break
        time.sleep(PAUSE_SECONDS)
        answer = _call(url)
    found = answer.headers.get(DEPLOYMENT_HEADER)
    if is_good(answer) and found != deployment_id:
        raise SmokeError(
            f"{url}: deployed, but it still answers as the deployment {found} instead of {deployment_id}; try again"
        )
    return answer


def _call(url: str) -> Answer:
    """Return the answer. Without one, the status is 0 and the text is the error."""
    try:
        return call("GET", url, timeout_s=CALL_SECONDS)
    except NoAnswerError as error:
        return Answer(0, str(error).encode())


def _describe(answer: Answer) -> str:
    """Return the status and the beginning of the text of an answer."""
    return f"{answer.status}; {answer.body[:SHOWN_CHARACTERS].decode(errors='replace')}"
