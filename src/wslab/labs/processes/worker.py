"""One of several processes of an app: it runs the learner's cell, serves the app that it makes, and obeys the check."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
import types
from collections.abc import Mapping
from typing import Any

from wslab import parent_process
from wslab.labs.channel import Channel
from wslab.labs.obeying import obey
from wslab.labs.venue import SWITCHING, Loopback, Served
from wslab.language import Text, use_language
from wslab.serving import ServerStartError, WrongApp
from wslab.serving.arguments import validate
from wslab.serving.exceptions import innermost, last_line

MODULE = "room"
"""The name of the module that a process makes of the cell."""

_RAISED = Text(
    en="In a process of its own the cell stopped with {error}{where}. Other cells do not run there.",
    tr="Hücre, kendi sürecinde şu hatayla durdu: {error}{where}. Orada başka hücreler çalışmaz.",
)
_NO_APP = Text(
    en="In a process of its own the cell makes no `{name}`.", tr="Hücre, kendi sürecinde `{name}` oluşturmuyor."
)


def main(channel: int, listener: socket.socket, plan: Mapping[str, Any], foreman: int) -> None:
    """Run the cell, serve its app and obey, until nobody gives orders any more. Never returns.

    Args:
        channel: the descriptor by which orders come.
        listener: listens for this process.
        plan: the cell (`name`, `source`), the app's name in it (`variable`), the broker's address (`broker`), the
            language of the kit's sentences (`language`), and whether the app is watched from its start (`watched`).
        foreman: the number of the process that has forked this one.
    """
    if sys.platform == "linux":
        parent_process.kill_with_parent()
    if os.getppid() != foreman:
        os._exit(1)
    threading.Thread(target=_end_with, args=(foreman,), name="wslab parent", daemon=True).start()
    orders = Channel(socket.socket(fileno=channel), longest=None)
    try:
        use_language(plan["language"])
        os.environ["BROKER"] = plan["broker"]
        sys.setswitchinterval(SWITCHING)
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            _work(runner, orders, listener, plan)
    except EOFError:
        pass
    finally:
        os._exit(0)


def _end_with(parent: int) -> None:
    parent_process.wait_for_its_end(parent)
    os._exit(1)


def _work(runner: asyncio.Runner, orders: Channel, listener: socket.socket, plan: Mapping[str, Any]) -> None:
    try:
        app = _app(plan)
        venue = Served(Loopback(app), listener.dup)
        if plan["watched"]:
            venue.watch()
        runner.run(venue.start())
    except (ServerStartError, WrongApp) as error:
        orders.send({"unstarted": str(error)})
        return
    orders.send({"served": True})
    while (order := orders.receive()) is not None:
        orders.send({**obey(runner, venue, order), "to": order["number"]})


def _app(plan: Mapping[str, Any]) -> Any:
    """What the cell makes.

    Raises:
        ServerStartError: it raises, or makes nothing.
        WrongApp: it makes something else than an app.
    """
    file = f"<ipython-input {plan['name']}>"
    module = types.ModuleType(MODULE)
    sys.modules[MODULE] = module
    sys.path.insert(0, "")
    try:
        exec(compile(plan["source"], file, "exec", dont_inherit=True), vars(module))
    except BaseException as error:
        cause, where = innermost(error)
        if isinstance(cause, SyntaxError):
            where = f"{file}:{cause.lineno}"
        said = last_line(cause).splitlines()[-1]
        raise ServerStartError(_RAISED, error=said, where=f" ({where})" if where else "") from error
    app = getattr(module, plan["variable"], ...)
    if app is ...:
        raise ServerStartError(_NO_APP, name=plan["variable"])
    validate(app, {})
    return app
