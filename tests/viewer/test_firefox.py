"""The core path in Firefox: sign in, the live feed, a trace, sign out."""

from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.documents import load_trace
from tests.support.feed_page import post
from tests.support.firefox import FIREFOX, open_firefox

pytestmark = pytest.mark.skipif(
    FIREFOX is None, reason="no Firefox found; install it (Debian: apt-get install firefox-esr) or set FIREFOX"
)
ENTER = "\ue007"


def test_the_core_path_works_in_firefox(client: Client, tmp_path: Path) -> None:
    assert client.ingest(load_trace("force-prefix")).status == 201
    with open_firefox(tmp_path) as firefox:
        firefox.open(f"{client.url}/")
        firefox.wait_for("document.activeElement?.id === 'key'")
        firefox.type(client.key + ENTER)
        firefox.wait_for("document.querySelector('h1')?.textContent === 'Requests'")
        firefox.wait_for("document.querySelectorAll('article').length === 1")
        firefox.wait_for("document.body.innerText.includes('Live')")
        post(client, "arrives")
        firefox.wait_for("document.querySelectorAll('article').length === 2")

        firefox.open(f"{client.url}/view/smollm2-force-prefix")  # the cookie signs the new page in
        firefox.wait_for("document.querySelectorAll('.token').length >= 60")
        firefox.wait_for("document.querySelector('header').innerText.includes('admin')")
        firefox.click("aside.details")
        firefox.wait_for("document.querySelector('aside.details').innerText.includes('Probability')")

        firefox.open(f"{client.url}/docs")
        firefox.wait_for("document.querySelectorAll('.opblock').length > 50")

        firefox.open(f"{client.url}/overview")
        firefox.wait_for("document.querySelector('h1')?.textContent === 'Overview'")
        firefox.wait_for("document.querySelector('header').innerText.includes('admin')")  # drawn again until then
        firefox.evaluate("[...document.querySelectorAll('header button')].at(-1).id = 'sign-out'")
        firefox.click("#sign-out")
        firefox.wait_for("document.activeElement?.id === 'key'")
        # Firefox also logs each answer with a status of 400 or more.
        assert [text for text in firefox.complaints if "status" not in text.lower()] == []
