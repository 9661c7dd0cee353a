"""A trace with executable markup in every text field."""

from typing import Any

from tests.support.documents import Document, action, added, call, forward, make_document, number, sampled

MARKUP = '<img src=x onerror="alert(1)">'
RUN = f"{MARKUP}<script>alert(2)</script>"


def make_hostile(request_id: str, *, token: int = 5, **request: Any) -> Document:
    """Make a trace of two tokens, the second of which is `token`. The id gets a prefix of markup."""
    top = [{"token": 5, "logprob": -0.5, "token_str": MARKUP}, {"token": 6, "logprob": -1.5, "token_str": RUN}]
    events = [forward(top), sampled(5, MARKUP), added(5), forward(top), sampled(token, RUN), added(token)]
    texts = dict.fromkeys(["model", "system_prompt", "user_prompt", "final_text", "active_mod_name", "mod_text"], RUN)
    return make_document(
        f"<img src=x onerror=alert(3)>{request_id}",
        number(events),
        request={**texts, **request},
        mod_calls=[call(1, mod=RUN, exception_occurred=True, exception_message=RUN, exception_traceback=RUN)],
        mod_logs=[{"mod_call_sequence": 0, "mod_name": RUN, "log_message": RUN}],
        actions=[action("EmitError", error_message=RUN)],
    )


NOTHING_RAN = "document.querySelectorAll('main img, main script').length === 0"
"""An expression that is true if a page shows a hostile trace as text. The fixture `page` checks for dialogs."""
