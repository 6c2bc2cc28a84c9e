"""The puzzle of unit 05: a handler is put together from pieces, three people visit it, and the outcome is judged."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import websockets
from fastapi import FastAPI, WebSocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from wslab.language import Text
from wslab.serving import serve

_LOOKUP = "async def endpoint(websocket: WebSocket):\n    await asyncio.sleep(0.5)\n"
_PATIENCE = 0.25
"""Seconds that Cem waits; less than the lookup takes."""
_ANSWER = "Mesajınız: Merhaba"
_RELAYED = "Başka bir istemciden: Merhaba"

_UNKNOWN = Text(en="✗ No piece has this name: {names}", tr="✗ Bu adda bir parça yok: {names}")
_NOT_PYTHON = Text(
    en="✗ Not Python yet ({message}): `loop` stands right below `try`, and `finally` right below `loop`.",
    tr="✗ Henüz Python değil ({message}): `loop` hemen `try` altında, `finally` hemen `loop` altında durur.",
)
_LEFT = Text(en="Left in the list: {count}", tr="Listede kalan: {count}")
_NOBODY_IN = Text(
    en="✗ Bora and Ada were not let in: nothing awaited `accept()` before the handler went on to something else.",
    tr="✗ Bora ile Ada içeri alınmadı: işleyici, `accept()` çağrısını beklemeden başka bir işe geçti.",
)
_NO_ANSWER = Text(en="✗ Ada got no answer.", tr="✗ Ada yanıt almadı.")
_NOT_RELAYED = Text(en="✗ Ada's message did not reach Bora.", tr="✗ Ada'nın mesajı Bora'ya ulaşmadı.")
_GHOSTS = Text(
    en="✗ Everybody has gone, but the list still holds {count}.",
    tr="✗ Herkes gitti, ama listede hâlâ {count} kişi var.",
)
_NOT_NEEDED = Text(
    en="✗ It works, but `call` does nothing here except cause a warning. Leave it out.",
    tr="✗ Çalışıyor, ama `call` burada bir uyarıya yol açmaktan başka bir şey yapmıyor. Onu çıkarın.",
)
_RIGHT = Text(
    en="✓ Right: Ada has her answer, Bora has her message, and nobody is left in the list.",
    tr="✓ Doğru: Ada yanıtını, Bora onun mesajını aldı, listede kimse kalmadı.",
)


@dataclass(frozen=True)
class Visit:
    """What came of one order of the pieces; displayed as text, with the verdict at the end.

    Attributes:
        source: the handler that the pieces make.
        got: what each visitor got, by name; empty where no server ran.
        left: how many are still in the list; None where no server ran.
        verdict: sentences; the first one begins with ✓ if the order is right, with ✗ if it is not.
    """

    source: str
    got: Mapping[str, str]
    left: int | None
    verdict: tuple[str, ...]

    @property
    def right(self) -> bool:
        """Whether the handler did for everybody what it should."""
        return self.verdict == (str(_RIGHT),)

    def __repr__(self) -> str:
        lines = [self.source, "", *(f"{name:<5} {what}" for name, what in self.got.items())]
        if self.left is not None:
            lines += [_LEFT.format(count=self.left), ""]
        return "\n".join([*lines, *self.verdict])


async def _hear(client: websockets.ClientConnection) -> str:
    try:
        return str(await asyncio.wait_for(client.recv(), 1))
    except (ConnectionClosed, TimeoutError) as error:
        return type(error).__name__


async def _arrive(url: str) -> str:
    """Open a connection with Cem's patience; how its handshake ended."""
    try:
        async with websockets.connect(url, open_timeout=_PATIENCE) as client:
            return str(client.response.status_code) if client.response else ""
    except (InvalidHandshake, TimeoutError) as error:
        return type(error).__name__


def _judge(order: Sequence[str], got: Mapping[str, str], left: int) -> tuple[str, ...]:
    if "Ada" not in got:
        return (str(_NOBODY_IN),)
    wrong = []
    if got["Ada"] != _ANSWER:
        wrong.append(str(_NO_ANSWER))
    if got["Bora"] != _RELAYED:
        wrong.append(str(_NOT_RELAYED))
    if left:
        wrong.append(_GHOSTS.format(count=left))
    if not wrong and "call" in order:
        wrong.append(str(_NOT_NEEDED))
    return tuple(wrong) or (str(_RIGHT),)


async def try_out(blocks: Mapping[str, str], order: Sequence[str]) -> Visit:
    """Build the handler from the pieces in this order, serve it, and let Cem, Bora and Ada visit it.

    Cem gives up during the lookup at the handler's beginning. Then Bora and Ada come, and Ada says `Merhaba`.

    Args:
        blocks: the pieces' code by name.
        order: names of pieces, in the order of their lines.
    """
    unknown = [str(name) for name in order if name not in blocks]
    if unknown:
        return Visit("", {}, None, (_UNKNOWN.format(names=", ".join(unknown)),))
    source = _LOOKUP + textwrap.indent("\n".join(blocks[name] for name in order), "    ")
    clients: list[WebSocket] = []
    names: dict[str, Any] = {"asyncio": asyncio, "WebSocket": WebSocket, "connected_clients": clients}
    try:
        exec(compile(source, "<puzzle>", "exec"), names)
    except SyntaxError as error:
        return Visit(source, {}, None, (_NOT_PYTHON.format(message=error.msg),))
    app = FastAPI()
    app.websocket("/ws")(names["endpoint"])
    got = {}
    with serve(app) as server:
        url = f"{server.ws_url}/ws"
        got["Cem"] = await _arrive(url)
        try:
            async with websockets.connect(url) as bora, websockets.connect(url) as ada:
                await ada.send("Merhaba")
                got["Ada"] = await _hear(ada)
                got["Bora"] = await _hear(bora)
        except InvalidHandshake as refusal:
            got["Bora"] = str(refusal)
        except ConnectionClosed as end:
            got["Ada"] = got["Bora"] = type(end).__name__
    return Visit(source, got, len(clients), _judge(order, got, len(clients)))
