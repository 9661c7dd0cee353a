"""The targets of webhooks: hostile URLs and addresses, and names that resolve differently each time."""

import asyncio
import ipaddress

import pytest

from core.alerts.send import Sender
from core.alerts.target import Address, check_target, is_public, parse_target
from core.errors import InvalidInputError
from core.settings import read_networks
from tests.support.receiver import Receiver, wait_until

LOOPBACK = read_networks("127.0.0.0/8")
PRIVATE = [
    "0.0.0.0", "203.0.113.9", "10.0.0.1",
    "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "192.0.0.192", "192.0.2.1", "192.168.0.1", "198.18.0.1", "224.0.0.1", "239.1.1.1",
    "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "100::1", "2001::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a00:1::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]
HOSTILE = [
    "https://user:password@example.com/", "https://user@example.com", "https://@example.com/", "ftp://example.com/",
    "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com", "https:///path", "https://",
    "https://example.com:0/", "https://example.com:65536/", "https://example.com:-1/", "https://example.com:x/",
    "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/", "https://0x7f.1/",
    "https://127.0.0.1./", "https://1.2.3.4.5/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/", "https://[::1",
    "https://[::g]/", "https://[v1.a]/", "https://\uff11\uff12\uff17.0.0.1/", "https://ex\u00e4mple.com/",
    "https://example\u3002com/", "https://exam ple.com/", "https://example.com\\@127.0.0.1/",
    "https://example.com/\r\nX: y",
    "https://example.com/a b", "https://example.com/#fragment", "https://ex%61mple.com/", "https://a..b/", "https://-/",
    "https://" + "a" * 64 + ".com/",
]  # fmt: skip


@pytest.mark.parametrize("text", PRIVATE)
def test_an_address_that_is_not_on_the_internet_is_refused(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not is_public(address)
    with pytest.raises(InvalidInputError, match=r"private or reserved"):
        check_target(f"https://{f'[{address}]' if address.version == 6 else address}/", ())


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_on_the_internet_is_accepted(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert is_public(address)
    check_target(f"https://{f'[{address}]' if address.version == 6 else address}/", ())


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^url: "):
        parse_target(url)


@pytest.mark.parametrize(
    "url", ["http://8.8.8.8/", "http://example.com/", "https://8.8.8.8:25/", "https://example.com:22/"]
)
def test_plain_http_and_ports_of_other_protocols_are_refused(url: str) -> None:
    with pytest.raises(InvalidInputError, match=r"^url: "):
        check_target(url, ())


def test_an_allowed_network_accepts_http_and_any_port_there_only() -> None:
    check_target("http://127.0.0.1:25/", LOOPBACK)
    check_target("http://[::ffff:127.0.0.1]:25/", LOOPBACK)
    for url in ("http://10.0.0.1/", "http://8.8.8.8/", "https://[64:ff9b::127.0.0.1]/", "https://[2002:7f00:1::]/"):
        with pytest.raises(InvalidInputError):
            check_target(url, LOOPBACK)


def test_parts_of_a_url_are_kept() -> None:
    target = parse_target("https://Example.com:8443/a/b?c=d&e")
    assert (target.host, target.port, target.path) == ("example.com", 8443, "/a/b?c=d&e")
    assert (target.authority, parse_target("https://[2606::1]").authority) == ("example.com:8443", "[2606::1]")


def post(sender: Sender, url: str) -> str | None:
    async def run() -> str | None:
        return (await sender.post(url, b"{}", {})).error

    try:
        return asyncio.run(run())
    finally:
        sender.close()


def test_a_name_that_resolves_to_a_private_address_is_not_connected_to(receiver: Receiver) -> None:
    """Without WEBHOOK_ALLOW, over the system's resolver."""
    error = post(Sender(), f"https://localhost:{receiver.port}/ok")
    assert error is not None
    assert "private or reserved" in error
    assert "127.0.0.1" not in error
    assert receiver.received == []


def test_a_name_is_resolved_once_and_its_checked_address_is_used(receiver: Receiver) -> None:
    """DNS rebinding: a permitted address at first, a private one afterwards."""
    answers = [["127.0.0.1"], ["127.0.0.2"], ["127.0.0.2"]]
    asked: list[str] = []

    async def resolve(host: str, _: int) -> list[Address]:
        asked.append(host)
        return [ipaddress.ip_address(one) for one in answers.pop(0)]

    url = f"http://rebinding.example:{receiver.port}/ok"
    assert post(Sender(read_networks("127.0.0.1"), resolve), url) is None
    assert asked == ["rebinding.example"]
    assert receiver.received[0].headers["host"] == f"rebinding.example:{receiver.port}"
    error = post(Sender(read_networks("127.0.0.1"), resolve), url)
    assert error is not None
    assert "private or reserved" in error
    assert len(receiver.received) == 1


@pytest.mark.parametrize("addresses", [["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"]])
def test_a_name_with_one_forbidden_address_is_refused(receiver: Receiver, addresses: list[str]) -> None:
    async def resolve(_: str, __: int) -> list[Address]:
        return [ipaddress.ip_address(one) for one in addresses]

    error = post(Sender(LOOPBACK, resolve), f"http://two.example:{receiver.port}/ok")
    assert error is not None
    assert receiver.received == []


def test_further_addresses_are_tried_if_one_refuses_the_connection(receiver: Receiver) -> None:
    async def resolve(_: str, __: int) -> list[Address]:
        return [ipaddress.ip_address(one) for one in ("127.0.0.9", "127.0.0.1")]

    assert post(Sender(LOOPBACK, resolve), f"http://two.example:{receiver.port}/ok") is None
    wait_until(lambda: len(receiver.received) == 1)


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a" * 63 + "." + "b" * 63 + ".invalid"])
def test_an_unknown_name_is_an_error(host: str) -> None:
    assert post(Sender(), f"https://{host}/") == "the host has no address; check the name"


def test_proxies_of_the_environment_are_not_used(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert post(Sender(LOOPBACK), receiver.url()) is None


def test_tls_checks_the_certificate(receiver: Receiver) -> None:
    error = post(Sender(LOOPBACK), f"https://127.0.0.1:{receiver.port}/ok")
    assert error == "the TLS handshake with the receiver failed"
