"""Limit the connections of `manage.py run`: those of a process, and those of an address."""

import resource
from collections.abc import Mapping
from typing import Any

from starlette.requests import HTTPConnection

from functions.web.address import find_address, find_peer_address

MAX_CONNECTIONS = 1500
"""Maximum connections of a process: all streams and 500 other requests. One address gets at most half."""
RESERVED_CONNECTIONS = 16
"""Additional connections of a process, and of an address, that serve only /livez."""
RESERVED_HEAD_S = 1.0
"""Time for the head of a request on an additional connection."""
RESERVED_FILES = 128
"""File descriptors for other purposes: the database, logs, spooled bodies."""
BACKLOG = 256
"""Maximum connections that wait in the kernel. uvloop accepts all of them at once, so they need descriptors as well."""
WANTED_FILES = 8192
PROXIES = "trusted_proxies"
"""The key of TRUSTED_PROXIES in the state of the application's lifespan."""


def raise_file_limit() -> None:
    """Raise the limit of open files for this process and its children, as far as the system allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def find_max_connections() -> int:
    """Return the number of connections that a process may have; a low limit of open files lowers it."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(2, min(MAX_CONNECTIONS, soft - BACKLOG - RESERVED_FILES - 2 * RESERVED_CONNECTIONS))


def find_peer(client: tuple[str, int] | None, state: Mapping[str, Any]) -> str | None:
    """Return the address that a connection counts for. A trusted proxy serves many clients, so it has no limit."""
    return find_peer_address(client[0], state.get(PROXIES, ())) if client else None


def find_client(scope: Mapping[str, Any]) -> str:
    """Return the address that a request counts for, which a trusted proxy reports."""
    return find_address(HTTPConnection(dict(scope)), scope["state"].get(PROXIES, ()))
