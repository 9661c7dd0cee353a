"""HEAD: the response of GET without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class AnswerHead:
    """ASGI middleware: serves HEAD as GET, and sends only the headers.

    The response is complete after its headers. A stream ends at once, because it sees the client as disconnected.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        complete = False

        async def receive_end() -> Message:
            return {"type": "http.disconnect"} if complete else await receive()

        async def send_headers(message: Message) -> None:
            nonlocal complete
            if message["type"] == "http.response.start":
                complete = True
                scope["method"] = "HEAD"  # the server and the log read the method from here
                await send(message)
                await send({"type": "http.response.body", "body": b""})

        scope["method"] = "GET"
        try:
            await self.app(scope, receive_end, send_headers)
        finally:
            scope["method"] = "HEAD"
