"""Recognize the crawlers that fetch link previews, and find the address at which they reached this server."""

from fastapi.requests import HTTPConnection

from core.settings import Settings
from functions.web.origin import is_host

CRAWLERS = (
    "twitterbot",
    "slackbot",
    "facebookexternalhit",
    "linkedinbot",
    "discordbot",
    "telegrambot",
    "whatsapp",
    "googlebot",
    "bingbot",
    "applebot",
    "pinterest",
    "redditbot",
    "embedly",
)
"""Words of User-Agent. The Quote UI's host sends the same crawlers here."""


def is_crawler(request: HTTPConnection) -> bool:
    """Return whether the client is a crawler, by its User-Agent."""
    agent = request.headers.get("user-agent", "").lower()
    return any(word in agent for word in CRAWLERS)


def find_base_url(request: HTTPConnection, settings: Settings) -> str | None:
    """Return the address of this server, without a slash at the end: THUNDER_URL, else the one that the client used.

    The client chooses the Host header, so an answer that contains it must not be stored by shared caches. None if the
    header is not the name of a host.
    """
    if settings.thunder_url:
        return settings.thunder_url.rstrip("/")
    hosts = request.headers.getlist("host")
    if len(hosts) != 1 or not is_host(hosts[0]):
        return None
    # A proxy that ends TLS, such as Modal's, sets the header. Each further proxy appends its own scheme.
    first, _, _ = request.headers.get("x-forwarded-proto", "").partition(",")
    is_secure = request.url.scheme == "https" or first.strip().lower() == "https"
    return f"{'https' if is_secure else 'http'}://{hosts[0]}"
