"""Send webhooks over HTTP, to checked addresses only.

The name of the host is resolved once. If every address is permitted, the connection is made to one of them, with the
name only in the Host header and for TLS. A name that resolves differently afterwards has no effect.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import NamedTuple

import httpx

from core.alerts.target import Address, BlockedTargetError, Target, check_address, parse_target
from core.errors import InvalidInputError
from core.settings import Networks

TIMEOUT_S = 10
"""Time limit of a whole attempt: resolve, connect, send, and receive the head of the answer."""
MAX_ADDRESSES = 4
MAX_LOOKUPS = 32
GONE = 410
USER_AGENT = "Thunder/1"

Resolve = Callable[[str, int], Awaitable[list[Address]]]


class Result(NamedTuple):
    """The result of an attempt. The error is None if the receiver accepted the webhook."""

    error: str | None
    is_gone: bool = False


class Sender:
    """Sends webhooks. Each attempt has a connection of its own, no cookies and no proxy, and follows no redirect.

    Args:
        allowed: private networks that may be reached (WEBHOOK_ALLOW).
        resolve: finds the addresses of a host; by default the system's resolver.
    """

    def __init__(self, allowed: Networks = (), resolve: Resolve | None = None) -> None:
        self._allowed = allowed
        # Lookups can't be cancelled. In threads of their own, slow name servers delay nothing else.
        self._threads = ThreadPoolExecutor(MAX_LOOKUPS, "webhook-lookup")
        self._resolve = resolve or self._look_up

    def close(self) -> None:
        """Stop without waiting for lookups."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def post(self, url: str, body: bytes, headers: dict[str, str]) -> Result:
        """Send a webhook, and return the result. A status of 200 to 299 within TIMEOUT_S means that it was accepted."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                status = await self._post(parse_target(url), body, headers)
        except (BlockedTargetError, InvalidInputError) as error:
            return Result(str(error))
        except (TimeoutError, httpx.TimeoutException):
            return Result(f"the receiver did not answer within {TIMEOUT_S} s")
        except (httpx.TransportError, OSError) as error:
            return Result(_describe(error))
        if 200 <= status < 300:
            return Result(None)
        if 300 <= status < 400:
            return Result(f"the receiver answered {status}; redirects are not followed, so use the final URL")
        return Result(f"the receiver answered {status}", is_gone=status == GONE)

    async def _post(self, target: Target, body: bytes, headers: dict[str, str]) -> int:
        addresses = await self._find_addresses(target)
        for address in addresses[:-1]:
            try:
                return await self._post_to(target, address, body, headers)
            except httpx.ConnectError:
                continue
        return await self._post_to(target, addresses[-1], body, headers)

    async def _find_addresses(self, target: Target) -> list[Address]:
        """Return the addresses of the host. All must be permitted, so that no choice among them matters.

        Raises:
            BlockedTargetError: an address is not permitted, or the host has none.
        """
        try:
            addresses = [ipaddress.ip_address(target.host)]
        except ValueError:
            addresses = await self._resolve(target.host, target.port)
        for address in addresses:
            check_address(target, address, self._allowed)
        if not addresses:
            raise BlockedTargetError("the host has no address; check the name")
        return addresses[:MAX_ADDRESSES]

    async def _look_up(self, host: str, port: int) -> list[Address]:
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            )
        except (socket.gaierror, UnicodeError):
            return []
        return list(dict.fromkeys(ipaddress.ip_address(str(one[4][0]).partition("%")[0]) for one in found))

    async def _post_to(self, target: Target, address: Address, body: bytes, headers: dict[str, str]) -> int:
        shown = f"[{address}]" if address.version == 6 else str(address)
        extensions: dict[str, object] = {
            "timeout": httpx.Timeout(TIMEOUT_S).as_dict(),
            "sni_hostname": target.host.rstrip("."),
        }
        request = httpx.Request(
            "POST",
            f"{target.scheme}://{shown}:{target.port}{target.path}",
            content=body,
            headers={"Host": target.authority, "Content-Type": "application/json", "User-Agent": USER_AGENT, **headers},
            extensions=extensions,
        )
        async with httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False) as transport:
            response = await transport.handle_async_request(request)
            await response.aclose()  # the body is not read
            return response.status_code

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return httpx.create_ssl_context(trust_env=False)


def _describe(error: Exception) -> str:
    """Describe a failed connection without text from the receiver."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the receiver's certificate is not valid: {cause.verify_message}"
        if isinstance(cause, ssl.SSLError):
            return "the TLS handshake with the receiver failed"
        if isinstance(cause, ConnectionRefusedError):
            return "the receiver refused the connection"
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, httpx.ConnectError):
        return "the receiver can't be reached"
    return "the receiver closed the connection, or did not send valid HTTP"
