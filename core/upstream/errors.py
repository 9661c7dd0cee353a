"""Errors of upstream servers. Their sentences contain no text and no address of a server."""

from core.errors import ThunderError


class BusyError(ThunderError):
    """Too many calls to upstream servers are running in this process."""

    status = 503


class UpstreamError(ThunderError):
    """A call to an upstream server failed. Only the routes of the activations page send the `error_code`."""

    status = 502
    error_code = "HF_UNAVAILABLE"


class NotConfiguredError(UpstreamError):
    """The setting of the server is not set."""

    status = 503
    error_code = "HF_NOT_CONFIGURED"


class UnavailableError(UpstreamError):
    """The server can't be reached, or closed the connection."""


class UpstreamTimeoutError(UpstreamError):
    """The server did not answer in time."""

    status = 504
    error_code = "HF_TIMEOUT"


class BadResponseError(UpstreamError):
    """The answer of the server has a status other than 2xx, is too large, or does not have the expected form.

    Attributes:
        upstream_status: the status of the answer.
    """

    error_code = "HF_BAD_RESPONSE"

    def __init__(self, sentence: str, upstream_status: int = 200) -> None:
        super().__init__(sentence)
        self.upstream_status = upstream_status
