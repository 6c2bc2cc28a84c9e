"""tshark, which shares no line with the kit, decodes the same bytes and has to come to the same frames."""

from __future__ import annotations

import json
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.sync.client
import websockets.sync.server
from tests.capture.conversations import HANDSHAKE, Segment, Talk, frame
from tests.capture.wires import DEADLINE

from wslab.capture import Capture, capture
from wslab.capture.steps import Frame

TSHARK = shutil.which("tshark")
needs_tshark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


def tshark(file: Path, *options: str) -> list[dict[str, Any]]:
    """What tshark makes of each packet."""
    assert TSHARK is not None
    command = [TSHARK, "-r", str(file), "-T", "json", "-x", "--no-duplicate-keys", *options]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return [packet["_source"]["layers"] for packet in json.loads(done.stdout)]


def layers(packets: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every WebSocket frame in them."""
    for packet in packets:
        found = packet.get("websocket", [])
        yield from found if isinstance(found, list) else [found]


def facts(layer: dict[str, Any]) -> tuple[object, ...]:
    """opcode, FIN, reserved bits, MASK, length, key, payload as on the wire, payload unmasked."""

    def raw(name: str) -> bytes:
        return bytes.fromhex(layer[f"websocket.{name}_raw"][0]) if f"websocket.{name}_raw" in layer else b""

    def number(name: str) -> int:
        return int(str(layer[f"websocket.{name}"]), 0)

    length = number("payload_length")
    if length >= 126:
        length = number(f"payload_length_ext_{16 if length == 126 else 64}")
    masked = bool(number("mask"))
    payload = raw("payload")
    return (
        number("opcode"),
        bool(number("fin")),
        number("rsv"),
        masked,
        length,
        raw("masking_key"),
        raw("masked_payload") if masked else payload,
        payload,
    )


def own_facts(found: Frame) -> tuple[object, ...]:
    rsv = found.rsv1 * 4 + found.rsv2 * 2 + found.rsv3
    return (
        found.opcode,
        found.fin,
        rsv,
        found.masked,
        found.length,
        found.key,
        found.masked_payload,
        found.payload,
    )


def talk_of_every_kind(compress: bool, client_takeover: bool = True) -> list[Segment]:
    talk = Talk(compress=compress, client_takeover=client_takeover)
    noise = random.Random(2)
    for sender in ("client", "server"):
        for size in (0, 1, 125, 126, 4000, 65_535, 65_536, 100_000):
            data = noise.randbytes(size)
            talk.does(sender, lambda peer, data=data: peer.send_binary(data))  # type: ignore[misc]
        talk.does(sender, lambda peer: peer.send_text("Mesajınız: ğüşiöç".encode()))
        talk.does(sender, lambda peer: peer.send_text(b"par", fin=False))
        talk.does(sender, lambda peer: peer.send_ping(b"there?"))
        talk.does(sender, lambda peer: peer.send_continuation("ça".encode(), fin=False))
        talk.does(sender, lambda peer: peer.send_continuation(b"", fin=True))
        talk.does(sender, lambda peer: peer.send_pong(b"unasked"))
    talk.does("server", lambda peer: peer.send_close(1011, "güle güle"))
    return talk.segments


def hostile() -> list[Segment]:
    wrong: list[bytes] = [
        frame(1, b"unmasked", key=None),
        frame(3, b"reserved"),
        frame(0xF, b"reserved control"),
        frame(1, b"x", rsv=7),
        frame(1, b"\xff\xfe"),
        frame(9, b"x", fin=False),
        frame(9, bytes(126)),
        frame(0, b"continues nothing"),
        frame(2, b"x", form=16),
        frame(2, b"x", form=64),
        frame(8, b"\x03"),
        frame(8, b"\x03\xee"),
        frame(1, b"late"),
    ]
    segments: list[Segment] = [*HANDSHAKE]
    segments += [("client", one) for one in wrong]
    segments.append(("server", frame(1, b"masked")))
    return segments


CONVERSATIONS = {
    "plain": lambda: talk_of_every_kind(False),
    "deflate": lambda: talk_of_every_kind(True),
    "deflate without takeover": lambda: talk_of_every_kind(True, False),
    "hostile": hostile,
}


@needs_tshark
@pytest.mark.slow
@pytest.mark.parametrize("name", CONVERSATIONS)
def test_tshark_agrees_on_every_frame(name: str, tmp_path: Path) -> None:
    wire = Capture.from_bytes(CONVERSATIONS[name]())
    file = tmp_path / "capture.pcapng"
    wire.to_pcapng(file)
    checked = ("-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE")
    packets = tshark(file, *checked)
    assert [facts(layer) for layer in layers(packets)] == [own_facts(found) for found in wire.frames]
    text = json.dumps(packets)
    for complaint in ("tcp.checksum_bad", "ip.checksum_bad", "tcp.analysis.flags", "_ws.malformed"):
        assert complaint not in text


@needs_tshark
@pytest.mark.slow
def test_tshark_sees_the_same_ends_handshakes_and_times(tmp_path: Path) -> None:
    clean = Talk()
    clean.does("client", lambda peer: peer.send_close(1000))
    file = tmp_path / "capture.pcapng"
    wire = Capture.from_bytes(clean.segments)
    wire.started_at = 1_700_000_000_123_456_789
    wire.to_pcapng(file)
    packets = tshark(file)
    assert packets[0]["frame"]["frame.time_epoch"].startswith("1700000000.123456789")
    assert '"http.response.code": "101"' in json.dumps(packets[4])
    fins = [packet for packet in packets if packet["tcp"]["tcp.flags_tree"]["tcp.flags.fin"] == "1"]
    assert len(fins) == 2
    assert "step 1: request" in json.dumps(packets[3])
    dropped = Capture.from_bytes([*HANDSHAKE, ("server", None)])
    dropped.to_pcapng(file)
    assert tshark(file)[-1]["tcp"]["tcp.flags_tree"]["tcp.flags.reset"] == "1"


@needs_tshark
@pytest.mark.slow
def test_bytes_that_were_not_kept_leave_the_rest_readable(tmp_path: Path) -> None:
    wire = Capture.from_bytes(
        [*HANDSHAKE, ("server", frame(2, bytes(600_000), key=None)), ("client", frame(1, b"hello"))]
    )
    file = tmp_path / "capture.pcapng"
    wire.to_pcapng(file)
    assert [facts(layer) for layer in layers(tshark(file))][-1] == own_facts(wire.frames[-1])


def test_the_file_is_a_chain_of_blocks(tmp_path: Path) -> None:
    """Without tshark: each block says its length at both ends, as the format wants."""
    data = Capture.from_bytes(talk_of_every_kind(True)).to_pcapng()
    kinds = []
    while data:
        kind, length = struct.unpack("<II", data[:8])
        assert length % 4 == 0
        assert struct.unpack("<I", data[length - 4 : length]) == (length,)
        kinds.append(kind)
        data = data[length:]
    assert kinds[:2] == [0x0A0D0D0A, 1]
    assert set(kinds[2:]) == {6}


def may_sniff() -> bool:
    if TSHARK is None:
        return False
    listed = subprocess.run([TSHARK, "-D"], capture_output=True, text=True, check=False)
    return re.search(r"^\d+\. lo\b", listed.stdout, re.MULTILINE) is not None


@needs_tshark
@pytest.mark.slow
def test_a_sniffer_on_the_wire_sees_the_same_bytes_on_both_sides_of_the_capture(tmp_path: Path) -> None:
    """tshark listens on the loopback interface while real peers talk: client–capture, capture–server."""
    if not may_sniff():
        pytest.skip("tshark may not listen on the loopback interface here")
    assert TSHARK is not None
    file = tmp_path / "live.pcapng"

    def echo(websocket: websockets.sync.server.ServerConnection) -> None:
        for message in websocket:
            websocket.send(message)

    with websockets.sync.server.serve(echo, "127.0.0.1", 0) as server:
        port = server.socket.getsockname()[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with capture(f"ws://127.0.0.1:{port}") as wire:
            command = [TSHARK, "-i", "lo", "-f", f"tcp port {port} or tcp port {wire.port}", "-w", str(file), "-q"]
            sniffer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            try:
                assert sniffer.stderr is not None
                while "Capturing on" not in (line := sniffer.stderr.readline()):
                    if not line:
                        pytest.skip("tshark could not begin to listen")
                # It says so a moment before it does; a connection that it has seen proves that it listens.
                poke(file, wire.port)
                with websockets.sync.client.connect(wire.ws_url) as websocket:
                    for message in ("Merhaba", b"\x00" * 70_000, "ğ" * 500):
                        websocket.send(message)
                        websocket.recv(DEADLINE)
                poke(file, wire.port)
            finally:
                sniffer.send_signal(signal.SIGINT)
                sniffer.wait(DEADLINE)
    legs: dict[int, list[tuple[object, ...]]] = {port: [], wire.port: []}
    for packet in tshark(file):
        ports = {int(packet["tcp"]["tcp.srcport"]), int(packet["tcp"]["tcp.dstport"])}
        leg = next(one for one in legs if one in ports)
        legs[leg] += [facts(layer) for layer in layers([packet])]
    captured = [own_facts(found) for found in wire.frames]
    assert len(captured) == 8
    assert legs == {port: captured, wire.port: captured}


def poke(file: Path, port: int) -> None:
    """Connect until the sniffer has written such a connection, and so all that passed before it."""
    assert TSHARK is not None
    for _ in range(100):
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:
            own = sock.getsockname()[1]
        command = [TSHARK, "-r", str(file), "-Y", f"tcp.port=={own}"]
        if subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip():
            return
    pytest.skip("the sniffer saw nothing")
