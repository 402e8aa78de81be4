"""Where a name that somebody else chose leads: to the public internet, or into the network of whoever asks.

A manifest names the origins of its web bundle, and V21 asks them from the auditor's machine. A hostile manifest could
name a router, a cloud's metadata service or a program on the auditor's own machine. So a named origin is resolved once,
every address that it stands for is looked at, and the connection goes to one of these and to no other: a name that
answers differently the next time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from retally_verify.files import Unreachable

Address = IPv4Address | IPv6Address

_PUBLIC_V6 = IPv6Network("2000::/3")
_6TO4 = IPv6Network("2002::/16")
_NAT64 = IPv6Network("64:ff9b::/96")


def addresses_of(host: str) -> tuple[Address, ...]:
    """Every address that this host name, or address in text, stands for here. Raises Unreachable if there is none."""
    try:
        found = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"{host} has no address that this machine can find: {error}") from None
    # An IPv6 address may carry the name of a network card behind a %.
    return tuple(dict.fromkeys(ip_address(str(where[0]).partition("%")[0]) for *_, where in found))


def is_public(address: Address) -> bool:
    """Whether asking this address reaches the public internet and nothing nearer: it is none of private, loopback,
    link-local, shared, multicast, unspecified or reserved, and stands for no such IPv4 address."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _PUBLIC_V6 and address not in _6TO4 and address.is_global


def same_place(one: Address, other: Address) -> bool:
    """Whether both are the same address, or both this machine."""
    one, other = _plain(one), _plain(other)
    return one == other or (one.is_loopback and other.is_loopback)


def _plain(address: Address) -> Address:
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
