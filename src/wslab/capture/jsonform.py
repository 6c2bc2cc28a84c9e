"""A capture as JSON text and back. Bytes are hexadecimal; letters beyond ASCII stand as themselves."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from wslab.capture.errors import CaptureError
from wslab.capture.rules import RULES
from wslab.capture.steps import KINDS, Closing, Connection, Direction, Dropped, Frame, Step, Violation
from wslab.capture.transcript import Contents
from wslab.language import Text

FORMAT = 1


_FOREIGN = Text(
    en="This is not what to_json() of a capture writes ({why}).",
    tr="Bu, bir yakalamanın to_json() ile yazdığı metin değil ({why}).",
)
_LATER = Text(
    en="This capture was written by a later version of WebSocket Lab; update the kit to read it.",
    tr="Bu yakalama WebSocket Lab'in daha yeni bir sürümüyle yazılmış; okumak için kiti güncelleyin.",
)


def dumps(contents: Contents, started_ns: int, started_at: int) -> str:
    """The text of a capture."""
    document = {
        "wslab": "capture",
        "format": FORMAT,
        "started_ns": started_ns,
        "started_at": started_at,
        "connections": [_connection(connection) for connection in contents.connections],
        "steps": [_step(step) for step in contents.steps],
        "dropped": dataclasses.asdict(contents.dropped),
        "silences": contents.silences,
    }
    return json.dumps(document, ensure_ascii=False)


def loads(text: str) -> tuple[Contents, int, int]:
    """A capture from its text.

    Raises:
        CaptureError: it is something else, or was written by a later version of the kit.
    """
    try:
        document = json.loads(text)
        if document["wslab"] != "capture":
            raise CaptureError(_FOREIGN, why=document["wslab"])
        if document["format"] > FORMAT:
            raise CaptureError(_LATER)
        steps = tuple(_read_step(data) for data in document["steps"])
        connections = tuple(_read_connection(data) for data in document["connections"])
        silences = tuple((start, end) for start, end in document.get("silences", ()))
        contents = Contents(steps, connections, Dropped(**document["dropped"]), silences)
        return contents, int(document["started_ns"]), int(document["started_at"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise CaptureError(_FOREIGN, why=f"{type(error).__name__}: {error}") from error


def _step(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = {"kind": step.kind}
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if isinstance(value, bytes):
            value = value.hex()
        data[field.name] = value
    if isinstance(step, Violation):
        data.update(rule=step.rule.name, section=step.rule.cite)
    if isinstance(step, Frame):
        # For people and other programs; `raw` says it all.
        data.update(name=step.name, fin=step.fin, masked=step.masked, length=step.length)
        if step.text is not None:
            data["text"] = step.text
        if step.close_code is not None:
            data.update(close_code=step.close_code, close_reason=step.close_reason)
    return data


def _read_step(data: dict[str, Any]) -> Step:
    cls = KINDS[data["kind"]]
    values: dict[str, Any] = {}
    for field in dataclasses.fields(cls):
        if field.name not in data and field.default is not dataclasses.MISSING:
            continue  # not in files of earlier versions
        value = data[field.name]
        if field.name in ("raw", "body", "inflated") and value is not None:
            value = bytes.fromhex(value)
        elif field.name == "direction":
            value = Direction(value)
        elif field.name == "headers":
            value = tuple((name, content) for name, content in value)
        elif field.name == "rule":
            value = RULES[value]
        values[field.name] = value
    return cls(**values)


def _connection(connection: Connection) -> dict[str, Any]:
    closing = connection.closing
    data = {field.name: getattr(connection, field.name) for field in dataclasses.fields(connection)}
    data["closing"] = {
        "first": closing.first,
        "client": closing.client and _step(closing.client),
        "server": closing.server and _step(closing.server),
        "end": closing.end and _step(closing.end),
        "code": closing.code,
        "clean": closing.clean,
    }
    return data


def _read_connection(data: dict[str, Any]) -> Connection:
    closing = data["closing"]
    frames: dict[str, Frame | None] = {}
    for end in ("client", "server"):
        frame = closing[end] and _read_step(closing[end])
        if frame is not None and not isinstance(frame, Frame):
            raise TypeError(f"a close frame was expected, not a {frame.kind}")
        frames[end] = frame
    later = ("via", "process")  # which files of earlier versions do not have
    values = {field.name: data[field.name] for field in dataclasses.fields(Connection) if field.name not in later}
    for end in ("client", "server"):
        host, port = values[end]
        values[end] = (host, port)
    via = data.get("via")
    values["process"] = data.get("process", 0)
    values["via"] = via and (via[0], via[1])
    values["closing"] = Closing(
        first=closing["first"] and Direction(closing["first"]),
        end=closing["end"] and _read_step(closing["end"]),
        **frames,
    )
    return Connection(**values)
