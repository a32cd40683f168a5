"""From where a request comes: the address of the line, or what listed proxies say of it.

A proxy adds the address of whom it speaks for at the right end of X-Forwarded-For. So it is read from the right, and only as
far as each address is that of a listed proxy: everything further left anybody can write.
"""

from collections.abc import Iterable, Sequence
from ipaddress import IPv6Address, ip_address, ip_network

from timetracking.devices.domain import Address, Network


def networks(text: str) -> tuple[Network, ...]:
    """Reads networks in CIDR notation, parted by commas; raises ValueError."""
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


def client(line: str | None, forwarded: Iterable[str], proxies: Sequence[Network]) -> Address | None:
    """Returns the client's address, from the other end of the line and the values of X-Forwarded-For; None where nobody knows it.

    Nobody knows it where a listed proxy says nothing of whom it speaks for, or nothing that is an address: the proxy's own
    address proves nobody's network.
    """
    address = _address(line or "")
    said = [each.strip() for value in forwarded for each in value.split(",")]
    while address is not None and any(address in each for each in proxies):
        if not said:
            return None
        address = _address(said.pop())
    return address


def _address(text: str) -> Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
