"""IP addresses that may tell a person: those of the public internet, in their one form."""

from __future__ import annotations

import ipaddress

import polars as pl

_NOBODYS = [
    ipaddress.ip_network(each)
    for each in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "::/127",
        "64:ff9b:1::/48",
        "100::/64",
        "fc00::/7",
        "fe80::/9",
        "ff00::/8",
    )
]
"""Networks whose addresses many machines share: private, loopback, link-local, multicast, reserved.

The addresses that are set apart for documentation are not among them: they are nobody's either, but no warehouse holds
them by accident, and tests and demonstrations have no others to use.
"""

_PART = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_VERSION_4 = rf"^{_PART}\.{_PART}\.{_PART}\.{_PART}$"


def public_addresses(text: pl.Series) -> pl.Series:
    """The address in each trimmed text; null where it is none, or one of nobody's."""
    parts = text.str.extract_groups(_VERSION_4).struct.unnest()
    number = parts.select(
        sum(pl.col(f"{place}").cast(pl.Int64) * 256 ** (4 - place) for place in (1, 2, 3, 4)).alias("number")  # pyright: ignore[reportAttributeAccessIssue, reportUnknownArgumentType]
    )["number"]
    nobodys = pl.repeat(value=False, n=text.len(), dtype=pl.Boolean, eager=True)
    for network in _NOBODYS:
        if isinstance(network, ipaddress.IPv4Network):
            first, last = int(network.network_address), int(network.broadcast_address)
            nobodys |= number.is_between(first, last).fill_null(value=False)
    plain = number.is_not_null()
    others = (text.str.contains(":", literal=True) & ~plain).fill_null(value=False)
    found = text.set(~plain | nobodys, None)
    if not others.any():
        return found
    read = {each: _read(each) for each in text.filter(others).unique()}
    return found.scatter(others.arg_true(), [read[each] for each in text.filter(others)])


def _read(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None:
            return None
        address = address.ipv4_mapped or address
    return None if any(address in network for network in _NOBODYS) else str(address)
