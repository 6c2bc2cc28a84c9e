"""A process in which the app runs: uvicorn starts it, and calls what is here at two places of its `Config`."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import multiprocessing
import os
import signal
import sys
import threading
import traceback
from dataclasses import astuple
from pathlib import Path
from typing import Any, Protocol

import uvicorn

from wslab import parent_process
from wslab.language import Text, use_language
from wslab.serving import collecting, printing
from wslab.serving.arguments import validate
from wslab.serving.connections import dated, held
from wslab.serving.errors import ServerStartError, WrongApp
from wslab.serving.exceptions import collect_exception, innermost, last_line, loop_errors_into, place_of
from wslab.serving.log import Entry, Log
from wslab.serving.observing import Message as AsgiMessage
from wslab.serving.observing import Observed, Receive, Send
from wslab.serving.ownership import Owner, acting_for
from wslab.serving.processes.frames import Message, Plan
from wslab.serving.processes.line import Line
from wslab.serving.starting import start_error
from wslab.source import place

_RAISED = Text(
    en="Importing {file} raised, so there is no server: {error}{where}. Mend that line, run the cell that writes the "
    "file, then this one.",
    tr="{file} içe aktarılırken bir istisna fırlattı, bu yüzden sunucu yok: {error}{where}. O satırı düzeltin, dosyayı "
    "yazan hücreyi çalıştırın, sonra bunu.",
)
_LOOP_RUNS = Text(
    en='{file} starts a server itself while it is imported{where}. Put that line below `if __name__ == "__main__":` or '
    "leave it out, run the cell that writes the file, then this one.",
    tr='{file} içe aktarılırken kendisi bir sunucu başlatıyor{where}. O satırı `if __name__ == "__main__":` altına '
    "alın ya da silin, dosyayı yazan hücreyi çalıştırın, sonra bunu.",
)
_NO_NAME = Text(
    en='{file} has no `{name}`{others}. Write its name behind the colon: serve("{module}:…", processes={processes})',
    tr="{file} içinde `{name}` yok{others}. İki noktadan sonra onun adını yazın: "
    'serve("{module}:…", processes={processes})',
)
_OTHERS = Text(en="; its app is called {names}", tr="; içindeki uygulamanın adı {names}")
_SHADOWED = Text(
    en="{file} has the name of a module that Python has imported already ({other}). Give the file another name.",
    tr="{file} dosyasının adı, Python'un daha önce içe aktardığı bir modülün adıyla aynı ({other}). Dosyaya başka bir "
    "ad verin.",
)


_LOOPS_IN_LOOPS = ("running event loop", "another loop is running")


class Instrument(Protocol):
    """What watches this process for the kernel. It is made with the event loop and a function that sends JSON."""

    def finish(self) -> None:
        """Send the last of it, and watch no longer; in the line's own thread."""


class _Shipped(Log):
    """A log whose entries go to the kernel as they come."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(0)
        self._worker = worker

    def _append(self, entry: Entry) -> None:
        clock_ns = self._started_ns + entry.time_ns
        what = [entry.kind, entry.text, entry.connection, entry.place, entry.detail, entry.traceback, entry.caught]
        row = [clock_ns, *what]
        self._worker.line.say({"kind": "row", "row": row, "open": self._worker.open_websockets})


class Worker:
    """What this process is to the kernel."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.line = Line(plan["line"], plan["secret"], "worker")
        self.log = _Shipped(self)
        self.observed: Observed | None = None
        self.server_state: Any = None
        self._owned = contextlib.ExitStack()
        self._main = threading.get_ident()
        self._ready = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._instruments: dict[int, Instrument] = {}
        self._wanted: dict[int, str] = {}
        self._finished: set[int] = set()

    @property
    def open_websockets(self) -> int:
        """How many WebSocket handlers have accepted and not ended yet."""
        return self.observed.open_websockets if self.observed is not None else 0

    def live(self) -> None:
        """From here on this process ends with the supervisor and with the kernel, whatever ends those."""
        _die_with_the_supervisor(self.plan["supervisor"])
        self.line.attend(self._told, _end_at_once)
        # uvicorn restores this handler when it has shut down, and raises the signal once more.
        signal.signal(signal.SIGTERM, self._terminated)

    def _terminated(self, *_: object) -> None:
        self.line.flush()
        _end_at_once(0)

    def _told(self, message: Message) -> None:
        try:
            self._do(message)
        except Exception as error:  # of an instrument; the app goes on
            collect_exception(self.log, error)

    def _do(self, message: Message) -> None:
        if message["kind"] == "end":
            signal.raise_signal(signal.SIGTERM)
        elif message["kind"] == "begin":
            self._wanted[message["number"]] = message["what"]
            self._begin()
        elif message["kind"] == "finish":
            self._finished.add(message["number"])
            self._wanted.pop(message["number"], None)
            self._finish(message["number"])
        elif message["kind"] == "ask":
            value = self._answer(message["what"])
            self.line.say({"kind": "answer", "number": message["number"], "value": value})

    def _answer(self, what: str) -> Any:
        if what == "place":
            return place_of(sys._current_frames().get(self._main))
        if what == "open":
            return self.open_websockets
        if what == "connections":
            connections = self.server_state.connections if self.server_state is not None else ()
            return [[*astuple(one)[:3], one.since.isoformat()] for one in held(connections)]
        return None

    def _begin(self) -> None:
        """Begin with the instruments that are wanted, once there is a loop. From one of two threads."""
        loop = self._loop
        while loop is not None and self._wanted:
            try:
                number, what = self._wanted.popitem()
            except KeyError:  # the other thread was faster
                return

            def note(data: Message, number: int = number) -> None:
                self.line.say({"kind": "noted", "number": number, "data": data})

            module, _, name = what.partition(":")
            self._instruments[number] = getattr(importlib.import_module(module), name)(loop, note)
            if number in self._finished:  # meanwhile, by the other thread
                self._finish(number)

    def _finish(self, number: int) -> None:
        if (instrument := self._instruments.pop(number, None)) is not None:
            instrument.finish()

    def fail(self, sentence: object) -> None:
        """Say why this process does not start; the kernel forgets it again if it starts all the same."""
        self.line.say({"kind": "failed", "sentence": str(sentence)})
        self.line.flush()

    async def ready(self) -> None:
        """uvicorn calls it once it answers, and every half minute from then on."""
        if not self._ready:
            self._ready = True
            self._loop = asyncio.get_running_loop()
            try:
                self._begin()
            except Exception as error:
                collect_exception(self.log, error)
            self.line.say({"kind": "ready"})

    def app(self) -> Any:
        """The app, imported from its file.

        Raises:
            SystemExit: it cannot be; the kernel knows why.
        """
        use_language(self.plan["language"])
        collecting.begin()
        self._owned.enter_context(acting_for(Owner(self.log)))  # until the end of the process
        sys.set_coroutine_origin_tracking_depth(1)
        asyncio.get_running_loop().set_exception_handler(loop_errors_into(self.log))
        try:
            found = self._imported()
        except (ServerStartError, WrongApp) as sentence:
            self.fail(sentence)
            raise SystemExit(uvicorn.config.STARTUP_FAILURE) from None
        self.line.say({"kind": "imported"})
        self.observed = Observed(found, self.log, self.plan["identity"])

        async def app(scope: AsgiMessage, receive: Receive, send: Send) -> None:
            await self._handle(scope, receive, send)

        return app

    def _imported(self) -> Any:
        module_name, _, name = self.plan["app"].partition(":")
        file = Path(self.plan["file"]).name
        sys.path.insert(0, self.plan["folder"])
        # No __pycache__ beside the file: it would still count as its code after an edit in the very same second. What
        # most files import is imported before, so that it is compiled once and not by each process.
        importlib.import_module("fastapi")
        sys.dont_write_bytecode = True
        self.line.say({"kind": "importing"})
        try:
            module = importlib.import_module(module_name)
        except BaseException as error:
            cause, where = innermost(error)
            if isinstance(cause, SyntaxError) and cause.filename:
                where = place(cause.filename, cause.lineno or 0)
            else:
                where = self._own_line(cause) or where
            runs = isinstance(cause, RuntimeError) and any(part in str(cause) for part in _LOOPS_IN_LOOPS)
            raise ServerStartError(
                _LOOP_RUNS if runs else _RAISED,
                file=file,
                error=last_line(cause).splitlines()[-1],
                where=f" ({where})" if where else "",
            ) from error
        other = getattr(module, "__file__", None) or f"<{module_name}>"
        if not os.path.exists(other) or not os.path.samefile(other, self.plan["file"]):
            raise ServerStartError(_SHADOWED, file=file, other=other)
        try:
            app = functools.reduce(getattr, name.split("."), module)
        except AttributeError:
            names = ", ".join(f"`{one}`" for one, value in vars(module).items() if _is_app(value))
            raise ServerStartError(
                _NO_NAME,
                file=file,
                name=name,
                others=_OTHERS.format(names=names) if names else "",
                module=module_name,
                processes=self.plan["processes"],
            ) from None
        validate(app, {})
        return app

    def _own_line(self, error: BaseException) -> str:
        """The innermost line of the app's own folder at which this was raised; empty if there is none."""
        folder = Path(self.plan["folder"])
        frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
        return next((place(file, line) for file, line in reversed(frames) if folder in Path(file).parents), "")

    async def _handle(self, scope: AsgiMessage, receive: Receive, send: Send) -> None:
        observed = self.observed
        assert observed is not None
        if scope["type"] != "lifespan":
            await observed(scope, receive, send)
            return
        try:
            await observed(scope, receive, send)
        finally:
            printing.end_lines()
            if observed.lifespan_error is not None and not self._ready:
                self.fail(start_error(observed.lifespan_error, by_app=True))
            self.line.flush()


def _is_app(value: object) -> bool:
    from starlette.applications import Starlette

    return isinstance(value, Starlette)


def _end_at_once(code: int = 1) -> None:
    """End this process and those that the app has started with `multiprocessing`, a pool's among them."""
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(code)


def _die_with_the_supervisor(supervisor: int) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        _end_at_once()

    threading.Thread(target=watch, name="wslab supervisor", daemon=True).start()
    if sys.platform == "linux":  # also where a call in C holds the GIL, so that no thread of this process goes on
        parent_process.kill_with_parent()
    if sys.platform != "win32" and os.getppid() != supervisor:  # it ended before this was set
        _end_at_once()


class Config(uvicorn.Config):
    """uvicorn's configuration, which it hands to each new process."""

    plan: Plan
    worker: Worker | None = None
    supervises = True

    @classmethod
    def of(cls, plan: Plan) -> Config:
        """The configuration that this plan stands for."""
        config = cls(
            plan["app"],
            host=plan["host"],
            port=plan["port"],
            workers=plan["processes"],
            loop="asyncio:SelectorEventLoop",  # the one whose idle time can be filmed, on every system
            log_config=None,
            **plan["options"],
        )
        config.plan = plan
        return config

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.supervises = False

    def configure_logging(self) -> None:
        """The first call that uvicorn makes in a new process."""
        super().configure_logging()
        if not self.supervises:
            try:
                self.worker = Worker(self.plan)
            except OSError:  # the kernel has ended
                _end_at_once()
                return
            self.worker.live()

    def load(self) -> None:
        """uvicorn calls it in the process's event loop, before it starts the app."""
        worker = self.worker
        assert worker is not None
        self.app = worker.app()
        self.callback_notify = worker.ready
        super().load()
        self.ws_protocol_class = dated(self.ws_protocol_class)
        self.http_protocol_class = _known(self.http_protocol_class, worker)


def _known(protocol: Any, worker: Worker) -> Any:
    """A subclass of uvicorn's HTTP protocol, by which the worker knows which connections there are."""

    class Known(protocol):  # type: ignore[misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            worker.server_state = self.server_state

        def connection_made(self, transport: Any) -> None:
            if peer := transport.get_extra_info("peername"):
                worker.line.say({"kind": "peer", "peer": list(peer[:2])})
            super().connection_made(transport)

    return Known
