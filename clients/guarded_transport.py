"""Reaches addresses that strangers give, without becoming their way into private networks (SSRF)."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import httpx

type Address = IPv4Address | IPv6Address
type Resolver = Callable[[str, int], Awaitable[Sequence[Address]]]

_ENDS_IN_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""NAT64 (RFC 6052), and the long deprecated IPv4-compatible addresses."""
_INSIDE = (IPv4Network("168.63.129.16/32"), IPv6Network("::ffff:0:0:0/96"))
"""Azure's own resources (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16), and
IPv4-translated addresses (RFC 2765)."""
NO_REUSE = httpx.Limits(max_connections=100, max_keepalive_connections=0)
"""Connections are pooled by address, so one kept open would serve another name at that address, unverified."""


class ForbiddenAddress(httpx.TransportError):
    """A URL leads to where only insiders may go."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests over https, and to public addresses only.

    A name is resolved here and the connection goes to the very address that was checked, so a name that resolves
    differently a moment later changes nothing. Every redirect is a request of its own and passes through here again.
    TLS still checks the certificate against the name, if `inner` opens a connection for each request.

    Args:
        inner: Does the sending, with the limits `NO_REUSE`.
        allow_private: Let everything through: for a private installation, and for tests.
        resolver: Finds the addresses of a name and port, as `resolve` does.
    """

    def __init__(
        self, inner: httpx.AsyncBaseTransport, *, allow_private: bool = False, resolver: Resolver | None = None
    ) -> None:
        self._inner = inner
        self._allow_private = allow_private
        self._resolve = resolver or resolve

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request.

        Raises:
            ForbiddenAddress: It must not be sent.
            httpx.TransportError: It could not be.
        """
        if self._allow_private:
            return await self._inner.handle_async_request(request)
        host = request.url.host
        if request.url.scheme != "https":
            raise ForbiddenAddress(f"only https URLs are fetched, not {request.url.scheme}", request=request)
        try:
            addresses = await self._resolve(host, request.url.port or 443)
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(f"{host} has no address", request=request) from error
        if not all(is_public(address) for address in addresses):
            raise ForbiddenAddress(f"{host} is not on the public internet", request=request)
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=str(addresses[0])),
            headers=request.headers,  # the Host header among them keeps the name
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


def is_public(address: Address) -> bool:
    """Whether an address, and the IPv4 address that it may carry inside, belongs to the public internet."""
    if isinstance(address, IPv6Address):
        inside = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
        if any(carried is not None and not is_public(carried) for carried in inside):
            return False
        if any(address in network for network in _ENDS_IN_IPV4):
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not any(address in network for network in _INSIDE)


async def resolve(host: str, port: int) -> list[Address]:
    """Every address of a name, as this machine finds them.

    Raises:
        OSError: There is no such name, or nobody can tell just now.
        UnicodeError: By the rules of IDNA it is no name.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]
