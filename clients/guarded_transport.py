"""Reaches addresses that strangers give, without becoming their way into private networks (SSRF)."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

type Address = IPv4Address | IPv6Address

_NAT64 = IPv6Network("64:ff9b::/96")


class ForbiddenAddress(httpx.TransportError):
    """A URL leads to where only insiders may go."""


class GuardedTransport(httpx.AsyncBaseTransport):
    """Sends requests over https, and to public addresses only.

    A name is resolved here and the connection goes to the very address that was checked, so a name that resolves
    differently a moment later changes nothing. Every redirect is a request of its own and passes through here again.
    TLS still checks the certificate against the name.

    Args:
        inner: Does the sending.
        allow_private: Let everything through: for a private installation, and for tests.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, *, allow_private: bool = False) -> None:
        self._inner = inner
        self._allow_private = allow_private

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
        addresses = await _resolve(host, request.url.port or 443)
        if not addresses:
            raise httpx.ConnectError(f"{host} has no address", request=request)
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
        if address in _NAT64:
            return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address.is_global and not address.is_multicast


async def _resolve(host: str, port: int) -> list[Address]:
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # unknown, or no name at all by the rules of IDNA
        return []
    return [ip_address(sockaddr[0]) for *_, sockaddr in found]
