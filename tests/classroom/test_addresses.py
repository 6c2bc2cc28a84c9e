"""Which addresses the projector shows."""

from __future__ import annotations

import ipaddress
import socket
from collections import namedtuple

import pytest

from wslab.classroom import addresses

Entry = namedtuple("Entry", "family address")
State = namedtuple("State", "isup")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A laptop with Wi-Fi, a cable, Docker, a VPN that is down, and IPv6."""
    networks = {
        "lo": [Entry(socket.AF_INET, "127.0.0.1")],
        "docker0": [Entry(socket.AF_INET, "172.17.0.1")],
        "vEthernet (WSL)": [Entry(socket.AF_INET, "172.20.0.1")],
        "eth0": [Entry(socket.AF_INET, "10.0.0.7"), Entry(socket.AF_INET6, "fe80::1")],
        "wlan0": [Entry(socket.AF_INET, "192.168.1.5")],
        "eth1": [Entry(socket.AF_INET, "169.254.3.4")],
        "tun0": [Entry(socket.AF_INET, "10.8.0.2")],
    }
    up = {name: State(name != "tun0") for name in networks}
    monkeypatch.setattr(addresses.psutil, "net_if_addrs", lambda: networks)
    monkeypatch.setattr(addresses.psutil, "net_if_stats", lambda: up)


@pytest.mark.usefixtures("machine")
def test_the_way_out_comes_first_and_inner_networks_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "outward", lambda: "192.168.1.5")
    assert addresses.addresses() == ("192.168.1.5", "10.0.0.7", "172.17.0.1", "172.20.0.1")
    assert addresses.reachable_at("0.0.0.0") == addresses.addresses()


@pytest.mark.usefixtures("machine")
def test_without_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(addresses, "outward", lambda: "")
    assert addresses.addresses()[:2] == ("10.0.0.7", "192.168.1.5")


def test_a_single_address_is_the_only_one() -> None:
    assert addresses.reachable_at("192.168.1.5") == ("192.168.1.5",)
    assert addresses.reachable_at("::1") == ("[::1]",)


def test_on_this_machine() -> None:
    for address in addresses.addresses():
        assert not ipaddress.ip_address(address).is_loopback
    assert addresses.reachable_at("0.0.0.0")
