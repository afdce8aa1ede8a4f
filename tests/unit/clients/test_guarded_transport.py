"""A stranger's URL leads to the public internet or nowhere."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from socket import EAI_NONAME, gaierror

import httpx
import pytest

from clients.guarded_transport import Address, ForbiddenAddress, GuardedTransport, is_public

PUBLIC = "93.184.215.14"
PUBLIC_V6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
PRIVATE = {
    "loopback": "127.0.0.1",
    "loopback elsewhere": "127.8.8.8",
    "this host": "0.0.0.0",  # noqa: S104 - nobody binds to it
    "private 10": "10.1.2.3",
    "private 172": "172.16.0.1",
    "private 192": "192.168.1.1",
    "link-local, instance metadata": "169.254.169.254",
    "carrier-grade NAT": "100.64.0.1",
    "benchmarking": "198.18.0.1",
    "documentation": "203.0.113.9",
    "multicast": "224.0.0.1",
    "broadcast": "255.255.255.255",
    "IPv6 link-local": "fe80::1",
    "IPv6 loopback": "::1",
    "IPv6 nowhere": "::",
    "IPv6 link-local with a zone": "fe80::1%eth0",
    "IPv6 unique local": "fd00::1",
    "IPv6 site-local": "fec0::1",
    "IPv6 multicast": "ff02::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped private": "::ffff:10.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "IPv4-compatible loopback": "::127.0.0.1",
    "NAT64 of private": "64:ff9b::10.0.0.1",
    "NAT64 of metadata": "64:ff9b::169.254.169.254",
    "local-use NAT64": "64:ff9b:1::1",
    "6to4 of private": "2002:0a00:0001::1",
    "6to4 of loopback": "2002:7f00:0001::1",
    "Teredo of private": "2001:0:0a00:0001::f5ff:fffe",
    "Azure's platform": "168.63.129.16",
    "mapped Azure's platform": "::ffff:168.63.129.16",
    "translated metadata": "::ffff:0:169.254.169.254",
    "translated public": "::ffff:0:93.184.215.14",
}


class Internet:
    """Names and the servers behind them; remembers what reached a server."""

    def __init__(self, names: Mapping[str, Sequence[str]]) -> None:
        self.names = names
        self.asked = list[tuple[str, int]]()
        self.reached = list[httpx.Request]()
        self.answers = dict[str, httpx.Response]()
        self.transport = GuardedTransport(httpx.MockTransport(self._serve), resolver=self._resolve)

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=self.transport, follow_redirects=True, max_redirects=3)

    async def _resolve(self, host: str, port: int) -> Sequence[Address]:
        self.asked.append((host, port))
        if host not in self.names:
            raise gaierror(EAI_NONAME, "Name or service not known")
        return [ip_address(address) for address in self.names[host]]

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.reached.append(request)
        return self.answers.get(request.headers["host"], httpx.Response(200, content=b"a picture"))


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_private_addresses_are_known(address: str):
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", [PUBLIC, PUBLIC_V6, "::ffff:93.184.215.14", "64:ff9b::93.184.215.14"])
def test_public_addresses_are_known(address: str):
    assert is_public(ip_address(address))


async def test_a_public_name_is_reached_at_the_address_that_was_checked():
    internet = Internet({"pictures.example": [PUBLIC]})
    async with internet.client() as client:
        response = await client.get("https://pictures.example:8443/fox.png?size=1")
    (sent,) = internet.reached
    assert internet.asked == [("pictures.example", 8443)]
    assert response.content == b"a picture"
    assert str(sent.url) == f"https://{PUBLIC}:8443/fox.png?size=1"
    assert sent.headers["host"] == "pictures.example:8443"
    assert sent.extensions["sni_hostname"] == "pictures.example"


async def test_an_ipv6_address_is_pinned_too():
    internet = Internet({"pictures.example": [PUBLIC_V6]})
    async with internet.client() as client:
        await client.get("https://pictures.example/fox.png")
    assert str(internet.reached[0].url) == f"https://[{PUBLIC_V6}]/fox.png"


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], [PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC, "::ffff:127.0.0.1"]]
)
async def test_a_name_with_any_private_address_is_not_reached(addresses: list[str]):
    internet = Internet({"rebind.example": addresses})
    async with internet.client() as client:
        with pytest.raises(ForbiddenAddress, match=r"rebind\.example is not on the public internet"):
            await client.get("https://rebind.example/")
    assert internet.reached == []


async def test_plain_http_is_refused():
    internet = Internet({"pictures.example": [PUBLIC]})
    async with internet.client() as client:
        with pytest.raises(ForbiddenAddress, match="only https"):
            await client.get("http://pictures.example/")
    assert internet.reached == []


async def test_an_unknown_name_cannot_be_connected_to():
    async with Internet({}).client() as client:
        with pytest.raises(httpx.ConnectError, match="has no address"):
            await client.get("https://nowhere.example/")


@pytest.mark.parametrize("target", ["https://inside.example/", "http://pictures.example/", "https://10.0.0.1/"])
async def test_a_redirect_is_checked_as_the_first_request_was(target: str):
    internet = Internet({"pictures.example": [PUBLIC], "inside.example": ["10.0.0.1"], "10.0.0.1": ["10.0.0.1"]})
    internet.answers["pictures.example"] = httpx.Response(302, headers={"location": target})
    async with internet.client() as client:
        with pytest.raises(ForbiddenAddress):
            await client.get("https://pictures.example/")
    assert len(internet.reached) == 1


async def test_a_redirect_to_another_public_name_is_followed_there():
    internet = Internet({"pictures.example": [PUBLIC], "cdn.example": [PUBLIC_V6]})
    internet.answers["pictures.example"] = httpx.Response(302, headers={"location": "https://cdn.example/fox.png"})
    async with internet.client() as client:
        assert (await client.get("https://pictures.example/")).content == b"a picture"
    assert [request.headers["host"] for request in internet.reached] == ["pictures.example", "cdn.example"]


async def test_a_literal_private_address_is_refused_by_the_real_resolver():
    unreachable = httpx.MockTransport(lambda _: httpx.Response(200))
    async with httpx.AsyncClient(transport=GuardedTransport(unreachable)) as client:
        for host in ("127.0.0.1", "[::1]", "[::ffff:10.0.0.1]", "localhost", "2130706433"):
            with pytest.raises(httpx.TransportError):
                await client.get(f"https://{host}/")


async def test_a_private_installation_may_let_everything_through():
    reached = httpx.MockTransport(lambda request: httpx.Response(200, text=str(request.url)))
    async with httpx.AsyncClient(transport=GuardedTransport(reached, allow_private=True)) as client:
        assert (await client.get("http://127.0.0.1:9/x")).text == "http://127.0.0.1:9/x"
