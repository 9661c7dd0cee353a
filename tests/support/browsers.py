"""Requests with the headers that a browser adds, and the cookies of signed-in browsers."""

import json
from dataclasses import dataclass, field
from http.cookies import Morsel, SimpleCookie
from typing import Any

from tests.support.client import Answer, Client

OWN_PAGE = {"sec_fetch_site": "same-origin"}
"""A request of a page of the server's origin, on HTTPS or on this machine."""


@dataclass
class BrowserOf:
    """The cookies of a browser on one host. Like a browser, it ignores the port."""

    cookies: dict[str, str] = field(default_factory=dict[str, str])

    def send(self, client: Client, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request with the cookies, and keep those of the answer. The default is a page of the server's."""
        origin = headers or OWN_PAGE
        if self.cookies:
            origin = {**origin, "cookie": self.write_cookies()}
        raw = None if body is None else json.dumps(body).encode()
        answer = client.request(method, path, raw, content_type="application/json", **origin)
        for morsel in read_cookies(answer):
            self.cookies.pop(morsel.key, None)
            if morsel.value:
                self.cookies[morsel.key] = morsel.value
        return answer

    def write_cookies(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, client: Client, key: str) -> Answer:
        return self.send(client, "POST", "/auth/sign-in", {}, x_api_key=key, **OWN_PAGE)

    def who(self, client: Client, **headers: str) -> str | int:
        """Return the name that the server answers, or the status of its refusal."""
        answer = self.send(client, "GET", "/auth/me", **headers)
        return answer.json["name"] if answer.status == 200 else answer.status


def read_cookies(answer: Answer) -> list[Morsel[str]]:
    return [morsel for line in answer.headers.getlist("Set-Cookie") for morsel in SimpleCookie(line).values()]
