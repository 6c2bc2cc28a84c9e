"""What a reader is told about each step, in words and in order: what the text, the table and both drawings share."""

from __future__ import annotations

import contextlib
import enum
import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from websockets.frames import Opcode

from wslab.capture.rules import close_code_name
from wslab.capture.steps import (
    Closing,
    Connection,
    Cut,
    Direction,
    Fin,
    Frame,
    Refused,
    Request,
    Reset,
    Response,
    Step,
    Undecoded,
    Violation,
)
from wslab.capture.transcript import SILENCE, Contents
from wslab.language import Text, decimal, shortened

TITLE_LENGTH = 46
"""How many characters of a message a title quotes."""

_QUIET_HEADERS = ("accept", "user-agent", "cache-control", "pragma", "date", "server", "sec-fetch", "sec-ch-ua", "dnt")


class Group(enum.StrEnum):
    """What a step is about, for colours and filters."""

    HTTP = "http"
    DATA = "data"
    PING = "ping"
    CLOSE = "close"
    TCP = "tcp"
    ERROR = "error"


GROUP_NAMES: dict[Group, Text] = {
    Group.HTTP: Text(en="HTTP", tr="HTTP"),
    Group.DATA: Text(en="Data", tr="Veri"),
    Group.PING: Text(en="Ping, pong", tr="Ping, pong"),
    Group.CLOSE: Text(en="Close", tr="Kapatma"),
    Group.TCP: Text(en="TCP", tr="TCP"),
    Group.ERROR: Text(en="Broken rules", tr="Kural ihlalleri"),
}

CLIENT = Text(en="Client", tr="İstemci")
CLIENTS = Text(en="Clients", tr="İstemciler")
SERVER = Text(en="Server", tr="Sunucu")

_WHO = {
    "client": Text(en="the client", tr="istemci"),
    "server": Text(en="the server", tr="sunucu"),
}


_WHO_FIRST = {
    "client": Text(en="The client", tr="İstemci"),
    "server": Text(en="The server", tr="Sunucu"),
}


class Tone(enum.StrEnum):
    """How a line of detail is meant."""

    FIELD = "field"
    PLAIN = "plain"
    QUIET = "quiet"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Detail:
    """One line about a step."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Row:
    """A step as a reader meets it.

    Attributes:
        number: its place in the capture, from 1.
        step: the step.
        time: when it was complete, with its unit.
        silence: for how long no byte had passed before its first one, with its unit; empty where that was short.
        group: what it is about.
        title: what it is.
        mark: its place in the closing handshake; empty where it has none.
        details: what else there is to know.
    """

    number: int
    step: Step
    time: str
    silence: str
    group: Group
    title: str
    mark: str
    details: tuple[Detail, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a connection ended, told after its last step."""

    connection: int
    good: bool
    text: str


def show_time(nanoseconds: int) -> str:
    """A time with the unit that suits it: `0.21 ms`, `26.4 ms`, `12.31 s`."""
    milliseconds = nanoseconds / 1e6
    if milliseconds >= 10_000:
        return f"{decimal(milliseconds / 1000, digits=2)} s"
    return f"{decimal(milliseconds, digits=1 if milliseconds >= 10 else 2)} ms"


def show_pause(nanoseconds: int) -> str:
    """A pause, roughly: `240 ms`, `2.1 s`."""
    return f"{decimal(nanoseconds / 1e9, digits=1)} s" if nanoseconds >= 1e9 else f"{nanoseconds / 1e6:.0f} ms"


def count_bytes(count: int) -> str:
    """`1 byte`, `20 bytes`, in the reader's language."""
    return str(_ONE_BYTE) if count == 1 else _BYTES.format(count=count)


def hexadecimal(data: bytes) -> str:
    """`81 87 f3`."""
    return data.hex(" ")


def shorten(text: str, length: int) -> str:
    """`text` on one line, cut after `length` characters; what cannot be seen is written as an escape."""
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in text[: length + 1])
    return shortened(shown, length)


_UPGRADE = Text(en="asks to go on with WebSocket", tr="WebSocket ile sürdürmek istiyor")
_ONE_BYTE = Text(en="1 byte", tr="1 bayt")
_BYTES = Text(en="{count} bytes", tr="{count} bayt")
_BODY = Text(en="body, {bytes}", tr="gövde, {bytes}")
_BODY_UNTIL = Text(en="body, {bytes}, the last one at {time}", tr="gövde, {bytes}; sonuncusu {time} anında")
_CODED = Text(en="compressed with {coding}; inflated it begins:", tr="{coding} ile sıkıştırılmış; açılınca başı:")
_CODED_ALONE = Text(en="compressed with {coding}; not shown", tr="{coding} ile sıkıştırılmış; gösterilmiyor")
_BODY_SO_FAR = Text(en="body, {bytes} so far; it has not ended", tr="gövde, şimdiye dek {bytes}; sonu gelmedi")
_MORE_HEADERS = Text(en="other headers: {names}", tr="diğer başlıklar: {names}")
_ACCEPT = Text(
    en="✓ Accept = Base64(SHA-1(Key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11))",
    tr="✓ Accept = Base64(SHA-1(Key + 258EAFA5-E914-47DA-95CA-C5AB0DC85B11))",
)
_ACCEPT_WRONG = Text(en="✗ Accept should be {expected}", tr="✗ Accept şu olmalıydı: {expected}")
_LETTERS = Text(en="{letters} characters, {bytes}", tr="{letters} karakter, {bytes}")
_DEFLATED = Text(
    en="compressed: {small} on the wire, {big} when inflated",
    tr="sıkıştırılmış: hat üzerinde {small}, açılınca {big}",
)
_NOT_INFLATED = Text(en="compressed; could not be inflated: {why}", tr="sıkıştırılmış; açılamadı: {why}")
_WHY_NOT_INFLATED = {
    "deflate-invalid": Text(en="its bytes are no DEFLATE data", tr="baytları DEFLATE verisi değil"),
    "too-big": Text(en="it grows beyond 16 MiB", tr="16 MiB'yi aşıyor"),
    "context-lost": Text(
        en="it refers back to a message that could not be inflated", tr="açılamayan bir önceki mesaja dayanıyor"
    ),
    "not-agreed": Text(en="the handshake agreed on no compression", tr="el sıkışmada sıkıştırma kararlaştırılmamış"),
    "no-beginning": Text(en="the beginning of the message is missing", tr="mesajın başı eksik"),
}
_FRAGMENT = Text(en="fragment {number} of a message", tr="bir mesajın {number}. parçası")
_LAST_FRAGMENT = Text(
    en="fragment {number}, the last: the message is {message}", tr="{number}. ve son parça: mesajın tamamı {message}"
)
_ROUND_TRIP = Text(en="answers the ping after {time}", tr="ping'e {time} sonra yanıt")
_UNASKED = Text(en="answers no ping", tr="hiçbir ping'e yanıt değil")
_NO_CODE = Text(en="without a code (seen as 1005)", tr="kodsuz (1005 olarak görülür)")
_REASON = Text(en="reason “{reason}”", tr="kapatma nedeni: “{reason}”")
_VIOLATION = Text(en="Rule broken: {cite}", tr="Kural ihlali: {cite}")
_FIN = Text(en="{who} has nothing more to send", tr="{who} artık bir şey göndermeyecek")
_RESET = Text(en="{who} dropped the connection, both ways at once", tr="{who} bağlantıyı iki yönde birden kopardı")
_REFUSED = Text(en="Server not reached", tr="Sunucuya ulaşılamadı")
_REFUSED_WHY = Text(
    en="nothing answered at the server's address ({why}); is it running?",
    tr="sunucunun adresinde yanıt veren olmadı ({why}); sunucu çalışıyor mu?",
)
_CUT = Text(en="Capture ended", tr="Yakalama sona erdi")
_CUT_WHY = Text(
    en="the connection was still open; neither end closed it", tr="bağlantı hâlâ açıktı; iki taraf da kapatmamıştı"
)
_UNDECODED = Text(en="{bytes}, not decoded", tr="çözümlenemeyen {bytes}")
_PASSED_ON = Text(en="they were passed on unchanged", tr="değiştirilmeden iletildi")
_CUT_SHORT = Text(en="only {came} of {promised} came", tr="{promised} yerine yalnızca {came} geldi")
_CLOSING = Text(en="closing {place} of 4", tr="kapanış {place}/4")

_CLEAN = Text(
    en="Closed by {who} with {code}. Clean: each end sent a close frame.",
    tr="Kapatan: {who}, {code}. Temiz: iki taraf da kapatma çerçevesi gönderdi.",
)
_ONE_CLOSE = Text(
    en="{Who} sent a close frame, {code}, but {other} sent none. Not clean.",
    tr="{Who} kapatma çerçevesi gönderdi, {code}; ama {other} göndermedi. Temiz değil.",
)
_NO_CLOSE = Text(
    en="{Who} ended it without a close frame. Not clean: no code was on the wire, so a client reports 1006.",
    tr="Bağlantı, kapatma çerçevesi olmadan sona erdi ({who}). Temiz değil: hat üzerinde kod yoktu, istemci 1006 "
    "bildirir.",
)
_REJECTED = Text(
    en="Rejected with HTTP {status}: no WebSocket connection came about, so a browser reports 1006.",
    tr="HTTP {status} ile reddedildi: WebSocket bağlantısı kurulmadı, tarayıcı 1006 bildirir.",
)
_BY_PROCESS = Text(en="answered by process {process}", tr="{process} numaralı süreç yanıtladı")
_OF_CONNECTION = Text(en="Connection {number}: {text}", tr="Bağlantı {number}: {text}")
_WITHOUT_CODE = Text(en="no code", tr="kodsuz")


def rows(contents: Contents) -> Iterator[Row]:
    """The steps of a capture, each as a reader meets it."""
    closings = _closing_places(contents)
    fragments: dict[tuple[int, Direction], list[Frame]] = {}
    processes = {one.number: one.process for one in contents.connections}
    silences = deque(contents.silences)
    before: int | None = None
    for number, step in enumerate(contents.steps, start=1):
        silence = ""
        while silences and silences[0][1] <= step.seen_at:
            began, ended = silences.popleft()
            # Only one that the first byte of this very step ended: others lie between the bytes of one step.
            if before is not None and began >= before and ended == step.start:
                silence = show_pause(ended - began)
        before = step.seen_at
        place = closings.get(number)
        group, title, details = _told(step, fragments)
        if isinstance(step, Response) and (process := processes.get(step.connection)):
            details.append(Detail(_BY_PROCESS.format(process=process)))
        yield Row(
            number=number,
            step=step,
            time=show_time(step.seen_at),
            silence=silence,
            group=group,
            title=title,
            mark=_CLOSING.format(place=place) if place else "",
            details=tuple(details),
        )


def _closing_places(contents: Contents) -> dict[int, int]:
    """Which step is which of the four of a closing handshake: two close frames, two FINs (RFC 6455 §7.1.1)."""
    places: dict[int, int] = {}
    closed: dict[int, set[Direction]] = {}
    ended: dict[int, int] = {}
    for number, step in enumerate(contents.steps, start=1):
        sides = closed.setdefault(step.connection, set())
        if isinstance(step, Frame) and step.opcode == Opcode.CLOSE and step.direction not in sides:
            sides.add(step.direction)
            places[number] = len(sides)
        elif isinstance(step, Fin) and sides:
            ended[step.connection] = ended.get(step.connection, 0) + 1
            places[number] = 2 + ended[step.connection]
    return places


def _told(step: Step, fragments: dict[tuple[int, Direction], list[Frame]]) -> tuple[Group, str, list[Detail]]:
    who = str(_WHO[step.direction.sender])
    match step:
        case Request():
            return Group.HTTP, shorten(f"{step.method} {step.target} {step.version}", 64), list(_request(step))
        case Response():
            return Group.HTTP, shorten(f"{step.version} {step.status} {step.reason}", 64), list(_response(step))
        case Frame():
            return _frame_group(step), _frame_title(step), list(_frame(step, fragments))
        case Violation():
            title = _VIOLATION.format(cite=step.rule.cite)
            return Group.ERROR, title, [Detail(step.sentence, Tone.BAD)]
        case Fin():
            return Group.TCP, "TCP FIN", [Detail(_FIN.format(who=who))]
        case Reset():
            return Group.TCP, "TCP RST", [Detail(_RESET.format(who=who), Tone.BAD)]
        case Refused():
            return Group.TCP, str(_REFUSED), [Detail(_REFUSED_WHY.format(why=step.why), Tone.BAD)]
        case Cut():
            return Group.TCP, str(_CUT), [Detail(str(_CUT_WHY))]
        case Undecoded():
            title = _UNDECODED.format(bytes=count_bytes(step.size))
            beginning = hexadecimal(step.raw[:24]) + (" …" if step.size > 24 else "")
            return Group.TCP, title, [Detail(beginning, Tone.FIELD), Detail(str(_PASSED_ON))]
    raise AssertionError(f"no words for a step of kind {step.kind!r}")


def _header_details(step: Request | Response) -> Iterator[Detail]:
    quiet = [name for name, _ in step.headers if name.lower().startswith(_QUIET_HEADERS)]
    for name, value in step.headers:
        if name not in quiet:
            yield Detail(f"{name}: {shorten(value, 200)}", Tone.FIELD)
    if quiet:
        yield Detail(_MORE_HEADERS.format(names=", ".join(quiet)), Tone.QUIET)


# As `zlib` counts forms (RFC 9110 §8.4.1). By `deflate` some mean DEFLATE without the zlib format around it.
_GZIP, _ZLIB, _BARE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
_FORMS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _BARE)}
_BODY_SHOWN = 160


def _body_words(step: Request | Response) -> str:
    size = count_bytes(step.body_size)
    if not step.complete:
        return _BODY_SO_FAR.format(bytes=size)
    if step.end - step.seen_at >= SILENCE:
        return _BODY_UNTIL.format(bytes=size, time=show_time(step.end))
    return _BODY.format(bytes=size) if step.body_size else ""


def _body_details(step: Request | Response) -> Iterator[Detail]:
    if words := _body_words(step):
        yield Detail(words, Tone.QUIET)
    if not step.body_size:
        return
    body = step.body
    if codings := [coding for coding in step.tokens("Content-Encoding") if coding != "identity"]:
        body = _inflated(step.body, _FORMS.get(codings[0], ())) if len(codings) == 1 else b""
        said = _CODED if body else _CODED_ALONE
        yield Detail(said.format(coding=", ".join(codings)), Tone.QUIET)
    if body:
        yield Detail(shorten(body.decode(errors="backslashreplace"), _BODY_SHOWN), Tone.FIELD)


def _inflated(body: bytes, forms: Sequence[int]) -> bytes:
    """The beginning of a body that is compressed in one of these forms; empty where it is in none."""
    for form in forms:
        with contextlib.suppress(zlib.error):
            return zlib.decompressobj(form).decompress(body, 4 * _BODY_SHOWN)
    return b""


def _request(step: Request) -> Iterator[Detail]:
    yield from _header_details(step)
    if step.upgrade:
        yield Detail(str(_UPGRADE))
    yield from _body_details(step)


def _response(step: Response) -> Iterator[Detail]:
    yield from _header_details(step)
    if step.upgrade and step.expected_accept is not None:
        if step.accept_matches:
            yield Detail(str(_ACCEPT), Tone.GOOD)
        else:
            yield Detail(_ACCEPT_WRONG.format(expected=step.expected_accept), Tone.BAD)
    yield from _body_details(step)


def _frame_group(frame: Frame) -> Group:
    if frame.opcode == Opcode.CLOSE:
        return Group.CLOSE
    return Group.PING if frame.opcode in (Opcode.PING, Opcode.PONG) else Group.DATA


def quote(frame: Frame) -> str:
    """What a frame carries, short: `“Merhaba”`, `3 bytes`."""
    if frame.text is not None:
        return f"“{shorten(frame.text, TITLE_LENGTH)}”"
    if frame.opcode in (Opcode.PING, Opcode.PONG):
        words = frame.payload.decode(errors="replace")
        if words.isprintable() and "\ufffd" not in words:
            return f"“{shorten(words, TITLE_LENGTH)}”" if words else ""
        return shorten(hexadecimal(frame.payload), TITLE_LENGTH)
    return count_bytes(frame.content_size)


def close_words(frame: Frame) -> str:
    """The code of a close frame with its name: `1000 normal closure`."""
    code = frame.close_code
    return str(_NO_CODE) if code is None else f"{code} {close_code_name(code)}"


def _frame_title(frame: Frame) -> str:
    if frame.opcode == Opcode.CLOSE:
        return f"CLOSE {close_words(frame)}"
    return f"{frame.name} {quote(frame)}".rstrip()


def fields(frame: Frame) -> str:
    """The header in one line: `FIN=1 RSV=000 opcode=0x1 MASK=1 len=7 key=f3 5c b0 51`."""
    rsv = "".join(str(int(bit)) for bit in (frame.rsv1, frame.rsv2, frame.rsv3))
    told = f"FIN={int(frame.fin)} RSV={rsv} opcode=0x{frame.opcode:x} MASK={int(frame.masked)} len={frame.length}"
    if frame.length_bits > 7:
        told += f" ({frame.length_bits} bit)"
    if frame.masked:
        told += f" key={hexadecimal(frame.key)}"
    return told


def _frame(frame: Frame, fragments: dict[tuple[int, Direction], list[Frame]]) -> Iterator[Detail]:
    yield Detail(fields(frame), Tone.FIELD)
    if not frame.complete:
        came = frame.size - frame.header_size
        yield Detail(_CUT_SHORT.format(came=came, promised=count_bytes(frame.length)), Tone.BAD)
    if frame.inflated_size is not None:
        yield Detail(_DEFLATED.format(small=count_bytes(frame.length), big=count_bytes(frame.inflated_size)))
    elif frame.unreadable:
        yield Detail(_NOT_INFLATED.format(why=_WHY_NOT_INFLATED[frame.unreadable]), Tone.BAD)
    kept = len(frame.content) == frame.content_size
    text = frame.text if kept and frame.fin and frame.opcode == Opcode.TEXT else None
    if text is not None and len(text) != frame.content_size:
        yield Detail(_LETTERS.format(letters=len(text), bytes=count_bytes(frame.content_size)))
    if not frame.control:
        yield from _fragment(frame, fragments)
    if frame.opcode == Opcode.PONG:
        trip = frame.round_trip
        yield Detail(str(_UNASKED) if trip is None else _ROUND_TRIP.format(time=show_time(trip)))
    if frame.close_reason:
        yield Detail(_REASON.format(reason=shorten(frame.close_reason, 130)))


def _fragment(frame: Frame, fragments: dict[tuple[int, Direction], list[Frame]]) -> Iterator[Detail]:
    side = (frame.connection, frame.direction)
    if frame.opcode != Opcode.CONT:
        fragments.pop(side, None)
        if frame.fin:
            return
    parts = fragments.setdefault(side, [])
    parts.append(frame)
    if not frame.fin:
        yield Detail(_FRAGMENT.format(number=len(parts)))
        return
    whole = b"".join(part.content for part in fragments.pop(side))
    size = sum(part.content_size for part in parts)
    message = count_bytes(size)
    if frame.message_opcode == Opcode.TEXT and not any(part.unreadable for part in parts):
        message = f"“{shorten(whole.decode(errors='replace'), TITLE_LENGTH)}”"
    yield Detail(_LAST_FRAGMENT.format(number=len(parts), message=message))


def verdicts(contents: Contents) -> Iterator[Verdict]:
    """How each connection ended that was to be a WebSocket, if it has."""
    rejected = _rejections(contents)
    for connection in contents.connections:
        said = _verdict(connection, rejected.get(connection.number))
        if said is not None:
            good, text = said
            if len(contents.connections) > 1:
                text = _OF_CONNECTION.format(number=connection.number, text=text)
            yield Verdict(connection.number, good, text)


def _rejections(contents: Contents) -> dict[int, int]:
    asked: set[int] = set()
    rejected: dict[int, int] = {}
    for step in contents.steps:
        if isinstance(step, Request) and step.upgrade:
            asked.add(step.connection)
        elif isinstance(step, Response) and step.connection in asked and step.status >= 200:
            rejected[step.connection] = step.status
    return rejected


def _verdict(connection: Connection, status: int | None) -> tuple[bool, str] | None:
    closing: Closing = connection.closing
    if not connection.websocket:
        return None if status is None else (False, _REJECTED.format(status=status))
    if closing.first is not None and closing.frame is not None:
        first = closing.first
        words = {"who": str(_WHO[first.sender]), "other": str(_WHO[first.opposite.sender])}
        words["Who"] = str(_WHO_FIRST[first.sender])
        code = closing.code
        words["code"] = str(_WITHOUT_CODE) if code is None else f"{code} ({close_code_name(code)})"
        if closing.clean:
            return True, _CLEAN.format(**words)
        return None if closing.end is None else (False, _ONE_CLOSE.format(**words))
    if closing.end is None or isinstance(closing.end, Cut):
        return None
    sender = closing.end.direction.sender
    return False, _NO_CLOSE.format(who=_WHO[sender], Who=_WHO_FIRST[sender])
