"""Where requests come from: whom to count as one, and which proxies to believe."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network, ip_address, ip_network

from starlette.types import Scope

ELSEWHERE = "elsewhere"
"""Whoever has no address that can be read: all of them are counted as one."""


def whose(scope: Scope) -> str:
    """The address that a request is counted by. Of an IPv6 address its network: one connection has 2^64 of them."""
    client = scope.get("client")
    try:
        address = ip_address(client[0] if client else "")
    except ValueError:
        return ELSEWHERE
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))


def checked_proxies(addresses: Iterable[str]) -> list[str]:
    """The addresses, or networks, of the proxies whose X-Forwarded headers are believed.

    Raises ValueError for anything else: what is misspelt would be believed by nobody and said by no one.
    """
    checked = []
    for address in addresses:
        try:
            ip_network(address)
        except ValueError as error:
            message = f"{address!r} is neither an address such as 10.0.0.5 nor a network such as 10.0.0.0/24"
            raise ValueError(message) from error
        checked.append(address)
    return checked
