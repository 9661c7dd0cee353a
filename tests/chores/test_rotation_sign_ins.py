"""Rotation of THUNDER_SECRET: browsers that are signed in."""

from tests.support.browsers import BrowserOf
from tests.support.client import Client
from tests.support.keys import SECRET
from tests.support.rotation import ANN, BOB, IDS, NEW_HASHER, OLD_HASHER, Rotation, list_ids


def sign_in(client: Client) -> BrowserOf:
    """Return a browser that is signed in as ann."""
    browser = BrowserOf()
    assert browser.sign_in(client, ANN).status == 200
    return browser


def test_signed_in_browsers_stay_signed_in(place: Rotation) -> None:
    browser = sign_in(place.old)
    new = place.rotate()
    assert browser.who(new) == OLD_HASHER.label_user_key(ANN)
    assert list_ids(new, ANN) == IDS[ANN]
    assert browser.who(new) == NEW_HASHER.label_user_key(ANN)
    assert browser.send(new, "POST", "/auth/sign-out", {}).status == 200
    assert browser.who(new) == 401


def test_no_cookie_from_before_a_rotation_stays(place: Rotation) -> None:
    before = sign_in(place.old)
    both, renewed = BrowserOf(dict(before.cookies)), BrowserOf()
    new = place.rotate()
    assert renewed.sign_in(new, ANN).status == 200
    both.cookies.update(renewed.cookies)
    assert len(both.cookies) == 2
    assert both.send(new, "POST", "/auth/sign-out", {}).status == 200
    assert both.cookies == {}
    assert [before.who(place.old), before.who(new), renewed.who(new)] == [401, 401, 401]


def test_signing_in_replaces_the_cookie_from_before_a_rotation(place: Rotation) -> None:
    browser = sign_in(place.old)
    copy = BrowserOf(dict(browser.cookies))
    new = place.rotate()
    assert browser.sign_in(new, BOB).status == 200
    assert len(browser.cookies) == 1
    assert (browser.who(new), copy.who(new)) == (NEW_HASHER.label_user_key(BOB), 401)


def test_a_sign_in_link_from_before_a_rotation_works(place: Rotation) -> None:
    made = place.run("sign-in", THUNDER_SECRET=SECRET)
    browser, new = BrowserOf(), place.rotate()
    link = {"link": made.stdout.strip().partition("#")[2]}
    assert browser.send(new, "POST", "/auth/sign-in", link).status == 200
    assert browser.who(new) == "admin"
