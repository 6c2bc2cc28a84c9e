"""Captures to look at: a conversation, several at once, broken rules, a long one."""

from __future__ import annotations

from tests.capture.conversations import HANDSHAKE, Segment, Talk, frame, request

from wslab.capture import Capture, Passed


def timed(segments: list[Segment], connection: int = 1, start: float = 20, gap: float = 0.4) -> list[Passed]:
    """The segments, each `gap` milliseconds after the one before."""
    return [
        Passed(sender, data, int((start + place * gap) * 1e6), connection)
        for place, (sender, data) in enumerate(segments)
    ]


def conversation() -> Capture:
    """Handshake, text both ways, a long message, fragments, ping and pong, two seconds of silence, a clean close."""
    talk = Talk()
    for text in ("Merhaba", "tekrar " * 60):
        talk.does("client", lambda peer, text=text: peer.send_text(text.encode()))  # type: ignore[misc]
        talk.does("server", lambda peer, text=text: peer.send_text(f"Mesajınız: {text}".encode()))  # type: ignore[misc]
    talk.does("client", lambda peer: peer.send_text(b"par", fin=False))
    talk.does("client", lambda peer: peer.send_continuation("çalı".encode(), fin=True))
    talk.does("client", lambda peer: peer.send_ping("canlı?".encode()))
    before = len(talk.segments)
    talk.does("client", lambda peer: peer.send_close(1000, "güle güle"))
    early = timed(talk.segments[:before])
    return Capture.from_bytes([*early, *timed(talk.segments[before:], start=2050)])


def crowd(count: int = 4) -> Capture:
    """Connections that overlap; they end with a close, a RST, a FIN without a close, and a rejection."""
    passed: list[Passed] = []
    for number in range(1, count):
        talk = Talk(compress=number == 2)
        talk.does("client", lambda peer, number=number: peer.send_text(f"Ben {number}".encode()))  # type: ignore[misc]
        talk.does("server", lambda peer: peer.send_text("Mesajınız: Ben".encode()))
        ends: list[Segment] = [[("client", None)], [("server", b""), ("client", b"")], []][number % 3]
        if not ends:
            talk.does("client", lambda peer: peer.send_close(1001))
        passed += timed([*talk.segments, *ends], number, 10 * number, 3.1 * number)
    rejected: list[Segment] = [
        ("client", request("Origin: http://evil.example", target="/nowhere")),
        ("server", b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
        ("server", b""),
        ("client", b""),
    ]
    return Capture.from_bytes(sorted(passed + timed(rejected, count, 90, 1), key=lambda one: one.at))


def broken() -> Capture:
    """An unmasked frame, the 1002 that follows, half a frame, a RST; and something that is no HTTP."""
    first: list[Segment] = [
        *HANDSHAKE,
        ("client", frame(1, b"Merhaba", key=None)),
        ("server", frame(8, b"\x03\xeaincorrect masking", key=None)),
        ("server", b""),
        ("client", frame(1, b"\xff\xfe<script>alert(1)</script>")[:9]),
        ("client", None),
    ]
    second: list[Segment] = [("client", b"\x16\x03\x01 TLS\r\n"), ("client", b"")]
    return Capture.from_bytes([*timed(first), *timed(second, 2, 30)])


def long(messages: int = 400) -> Capture:
    """Hundreds of steps."""
    talk = Talk()
    for number in range(messages):
        talk.does("client", lambda peer, number=number: peer.send_text(f"mesaj {number}".encode()))  # type: ignore[misc]
        talk.does("server", lambda peer: peer.send_text("Mesajınız: ğ".encode()))
    talk.does("client", lambda peer: peer.send_close(1000))
    return Capture.from_bytes(timed(talk.segments))


PICTURES = {"conversation": conversation, "crowd": crowd, "broken": broken, "long": long}
