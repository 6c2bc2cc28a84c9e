"""The addresses under which other devices of the network reach this machine."""

from __future__ import annotations

import ipaddress
import socket

import psutil

# Bridges of containers, virtual machines and VPNs: a student's phone is on none of those.
_INNER = ("docker", "veth", "br-", "virbr", "vmnet", "vboxnet", "lo", "tun", "utun", "tap", "wg", "tailscale", "zt")
_INNER_WORDS = ("virtual", "vethernet", "loopback", "vmware", "hyper-v")


def outward() -> str:
    """The address from which this machine would speak to the rest of its network; "" without one.

    `connect` on a UDP socket only looks the route up; nothing is sent. 192.0.2.1 is a documentation address (RFC 5737).
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _inner(interface: str) -> bool:
    name = interface.lower()
    return name.startswith(_INNER) or any(word in name for word in _INNER_WORDS)


def addresses() -> tuple[str, ...]:
    """This machine's IPv4 addresses on networks, the likeliest first: that of the route out, then real interfaces."""
    up = {name for name, state in psutil.net_if_stats().items() if state.isup}
    found: list[tuple[bool, str]] = []
    for interface, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if entry.family != socket.AF_INET or (up and interface not in up):
                continue
            address = ipaddress.ip_address(entry.address)
            if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                found.append((_inner(interface), entry.address))
    first = outward()
    known = {address for _, address in found}
    ordered = [first] if first in known else []
    ordered += [address for _, address in sorted(found) if address not in ordered]
    return tuple(ordered)


def reachable_at(host: str) -> tuple[str, ...]:
    """The addresses under which a server that listens on `host` is reached; a single one unless it listens on all."""
    if host in ("0.0.0.0", "::", ""):
        return addresses() or ("127.0.0.1",)
    return (f"[{host}]" if ":" in host else host,)
