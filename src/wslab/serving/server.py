"""serve(), and the server it returns."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import functools
import os
import secrets
import socket
import sys
import threading
import weakref
from collections.abc import Coroutine, Generator
from typing import Any, Self, TypeVar

import uvicorn
from starlette.requests import HTTPConnection

from wslab.gate import Gate, Limits, guarded
from wslab.jupyter import in_kernel
from wslab.language import Text
from wslab.serving import browser, collecting
from wslab.serving.arguments import app_name, token_for, validate, validate_sharing
from wslab.serving.binding import bind
from wslab.serving.connections import Connections, dated, held
from wslab.serving.engine import Engine
from wslab.serving.errors import ServerStartError
from wslab.serving.exceptions import collect_exception, innermost, place_of
from wslab.serving.heartbeat import keep_interruptible
from wslab.serving.log import Log
from wslab.serving.observing import App, Observed
from wslab.serving.ownership import Owner, acting_for
from wslab.serving.watching import TaskSeen, Watch, unfinished
from wslab.source import ipython_shell

T = TypeVar("T")


_RAISED = Text(
    en="The app raised while it was starting, so there is no server: {error}{where}. {advice}",
    tr="Uygulama başlarken istisna fırlattı, bu yüzden sunucu yok: {error}{where}. {advice}",
)
_MEND = Text(
    en="Mend that line in its lifespan or startup function and run the cell again.",
    tr="lifespan ya da startup fonksiyonundaki o satırı düzeltip hücreyi yeniden çalıştırın.",
)
_NO_YIELD = Text(
    en="A lifespan needs a `yield`: what stands before it runs at the start, what stands behind it at the end.",
    tr="lifespan fonksiyonunda bir `yield` gerekir: öncesi başlangıçta, sonrası kapanışta çalışır.",
)
_LOOP_RUNS = Text(
    en="A loop runs here already: start the work with `asyncio.create_task(…)`, before the `yield`.",
    tr="Burada zaten bir döngü çalışıyor: işi, `yield` öncesinde `asyncio.create_task(…)` ile başlatın.",
)
_ADVICE = {
    "object is not an async iterator": _NO_YIELD,
    "generator didn't yield": _NO_YIELD,
    "takes 0 positional arguments": Text(
        en="The lifespan is given the app, so it needs a parameter: `async def lifespan(app):`",
        tr="lifespan fonksiyonuna uygulama verilir, bu yüzden bir parametre gerekir: `async def lifespan(app):`",
    ),
    "a coroutine was expected, got <function": Text(
        en="`create_task` wants what the function returns: call it, with parentheses.",
        tr="`create_task`, fonksiyonun döndürdüğünü ister: onu parantezle çağırın.",
    ),
    "does not support the asynchronous context manager protocol": Text(
        en="A lifespan is an `async def` with `@asynccontextmanager` above it.",
        tr="Yaşam döngüsü, üzerinde `@asynccontextmanager` duran bir `async def` fonksiyonudur.",
    ),
    "asyncio.run() cannot be called": _LOOP_RUNS,
    "This event loop is already running": _LOOP_RUNS,
}
"""Parts of what is raised while an app starts, and what to do about each."""
_UNKNOWN_TASKS = Text(
    en="The server could not start: asyncio does not know its own tasks here. On Python 3.14 that is what "
    "nest_asyncio.apply() does. Restart the kernel and leave the patch out, or use nest_asyncio2.",
    tr="Sunucu başlayamadı: asyncio burada kendi görevlerini tanımıyor. Python 3.14'te bunun nedeni "
    "nest_asyncio.apply() çağrısıdır. Çekirdeği yeniden başlatıp yamayı uygulamayın ya da nest_asyncio2 kullanın.",
)
_NOT_THE_APP = Text(
    en="The server could not start, and not because of the app: {error}. Look at the options that serve() was given "
    "besides the app.",
    tr="Sunucu başlayamadı; nedeni uygulama değil: {error}. serve() çağrısına uygulamanın yanında verdiğiniz "
    "seçeneklere bakın.",
)
_SLOW = Text(
    en="The app had not finished starting after {deadline:g} s. Something in its lifespan or startup function "
    "never ends: a loop belongs into asyncio.create_task(…), not behind a bare await.",
    tr="Uygulama {deadline:g} saniyede başlayamadı. lifespan ya da startup fonksiyonunda hiç bitmeyen bir şey var: "
    "sonsuz döngünün yeri çıplak bir await değil, asyncio.create_task(…).",
)
_HELD = Text(
    en="The app had not finished starting after {deadline:g} s: {place} holds the event loop. A loop that never ends "
    "has to await something in every turn{never}.",
    tr="Uygulama {deadline:g} saniyede başlayamadı: olay döngüsünü {place} tutuyor. Hiç bitmeyen bir döngü, "
    "her turunda bir şeyi await ile beklemelidir{never}.",
)
_NEVER_AWAITED = Text(en="; here {warning}", tr="; burada ise: {warning}")
_STUCK = Text(
    en="The server at {url} did not stop within {deadline:g} s: {why}. Its port is free again and the notebook goes "
    "on; the stuck thread ends with the kernel.",
    tr="{url} adresindeki sunucu {deadline:g} saniyede durmadı: {why}. Bağlantı noktası yeniden boş, not defteri "
    "çalışmayı sürdürüyor; takılan iş parçacığı çekirdekle birlikte sona erer.",
)
_BLOCKED = Text(en="{place} holds the event loop", tr="olay döngüsünü {place} tutuyor")
_WAITING = Text(en="something in it does not end", tr="içinde bir şey bitmiyor")
_STOPPED = Text(en="stopped", tr="durduruldu")
_RUNNING = Text(en="running, open WebSockets: {count}", tr="çalışıyor, açık WebSocket: {count}")

# With one of these, a port of the same number belongs to the same address: every one of this machine, or its loopback.
_TAKES_THE_PORT = {"0.0.0.0", "::", "localhost"}

_TRIES, _BETWEEN_TRIES = 200, 0.02
_ROUNDS = 10  # of the loop: a request takes four, a task that ends and wakes another one takes two

_running: list[Server] = []
_started: weakref.WeakSet[Server] = weakref.WeakSet()
"""Also those that are just stopping: their connections are still there."""
_registry = threading.RLock()


def _running_cell() -> tuple[str, int] | None:
    """The notebook cell that is being executed, and its execution count; None outside a notebook."""
    if not in_kernel():
        return None
    shell = ipython_shell()
    metadata = shell.parent_header.get("metadata") or {}
    cell = metadata.get("cellId")
    if cell is None:  # a front end that does not tell: the cell's text names it
        frame = sys._getframe(1)
        while frame.f_back is not None and shell.compile.format_code_name(frame.f_code.co_filename) is None:
            frame = frame.f_back
        cell = frame.f_code.co_filename
    return str(cell), int(shell.execution_count)


class _Run:
    """From one start of a server to its end.

    A thread that was abandoned, since a handler held its loop, comes back when the next run is already there; so each
    has what it tidies up for itself.
    """

    def __init__(self, sock: socket.socket, observed: Observed) -> None:
        self.sock = sock
        self.observed = observed
        self.settled = threading.Event()
        self.ended = threading.Event()
        self.engine: Engine | None = None
        self.main: asyncio.Task[None] | None = None
        self.failure: BaseException | None = None
        collecting.begin()
        self._collects = True

    def end(self) -> None:
        """Free the port and stop collecting; once, be it by the thread or by who abandons it."""
        self.sock.close()
        with _registry:
            collects, self._collects = self._collects, False
        if collects:
            collecting.end()


class Server:
    """A uvicorn server that runs in a background thread, with an event loop of its own.

    Made by `serve()`. It is a context manager, and awaiting it gives the server itself.

    Attributes:
        app: the ASGI app it serves.
        host, port: where it listens.
        name: what it is called in pictures.
        log: what the app printed, warned and raised.
        loop: the event loop of its thread.
        thread: the thread.
        gate: what stands before the app when it is shared with a room (`serve(app, token=True)`), else None.
        unfinished: once it has stopped, the app's own tasks that were still running when its shutdown was over.
    """

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        name: str | None,
        options: dict[str, Any],
        token: bool | str = False,
        limits: Limits | None = None,
        send_buffer: int | None = None,
    ) -> None:
        self.app = app
        self.host = host
        self.port = port
        self.name = name or app_name(app)
        self.log = Log()
        self.loop: asyncio.AbstractEventLoop
        self.thread: threading.Thread
        self.gate: Gate | None = None
        self._token = token
        self._limits = limits or Limits()
        self._send_buffer = send_buffer
        self._options = options
        self._cell: tuple[str, int] | None = None
        self._identity = secrets.token_hex(8)
        self._run: _Run | None = None
        self._watch: Watch | None = None
        self.unfinished: tuple[TaskSeen, ...] = ()

    @property
    def url(self) -> str:
        """The address for HTTP, without a slash at the end: `http://127.0.0.1:53211`.

        For this machine; that of a server with a token holds the token: `http://127.0.0.1:53211/k7mq-2x9t-w4hd`.
        """
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        host = f"[{host}]" if ":" in host else host
        return f"http://{host}:{self.port}" + (f"/{self.gate.token}" if self.gate is not None else "")

    @property
    def ws_url(self) -> str:
        """The address for WebSockets, without a slash at the end: `ws://127.0.0.1:53211`."""
        return "ws" + self.url.removeprefix("http")

    @property
    def running(self) -> bool:
        """Whether it answers."""
        run = self._run
        return run is not None and not run.ended.is_set()

    @property
    def open_websockets(self) -> int:
        """How many WebSocket handlers have accepted and not ended yet."""
        run = self._run
        return run.observed.open_websockets if run is not None and not run.ended.is_set() else 0

    @property
    def connections(self) -> Connections:
        """The WebSocket connections that uvicorn holds at this moment, oldest first; displayed, a table.

        Each has its `peer`, its `path`, the bytes that wait in its write buffer (`buffered`) and `since` when it is
        there. One whose handler has ended is among them until its last byte is gone; `open_websockets` counts handlers.
        """
        run = self._run
        held_now = run.engine.server_state.connections if run is not None and run.engine is not None else ()
        return held(held_now)

    def start(self, deadline: float = 10.0, sock: socket.socket | None = None) -> Self:
        """Bind, start the thread, and return once the server answers.

        Args:
            deadline: seconds that the app's own start-up may take.
            sock: listens already, at `host` and `port` or at whatever address its owner knows; it is closed with the
                server. One of our own if left out.

        Raises:
            ServerStartError: the port is taken, or the app raised or did not finish while it started.
        """
        if sock is None:
            sock = bind(self.host, self.port)
            self.port = sock.getsockname()[1]
            if self._send_buffer is not None:  # accepted sockets take it over from the one that listens
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self._send_buffer)
        run = self._run = _Run(sock, Observed(self.app, self.log, self._identity))
        self.gate = self._new_gate(run)
        self.thread = threading.Thread(target=self._live, args=(run,), name=f"wslab server {self.port}", daemon=True)
        try:
            self.thread.start()
            in_time = run.settled.wait(deadline)
        except BaseException:  # the ■ button, while the app starts slowly: nobody would know this server
            self.stop(deadline=1.0)
            raise
        if not in_time or run.ended.is_set():
            slow = None if in_time else self._slow(deadline)
            self.stop(deadline=1.0)
            if slow is not None:
                raise slow
            if isinstance(run.failure, ServerStartError):
                raise run.failure
            raise self._start_error(run)
        with _registry:
            _running.append(self)
            _started.add(self)
        return self

    def _new_gate(self, run: _Run) -> Gate | None:
        if not self._token:
            return None
        return Gate(
            run.observed,
            behind=self.app,
            name=self.name,
            token=token_for(self._token),
            limits=self._limits,
            # Cookies know no ports: two servers of one machine must not take each other's.
            cookie=f"wslab-{self.port}",
            log=lambda line: self.log.add("log", line),
            hang_up=functools.partial(self._hang_up, run),
        )

    @staticmethod
    def _hang_up(run: _Run, scope: Any) -> None:
        for connection in list(run.engine.server_state.connections) if run.engine is not None else []:
            if getattr(connection, "scope", None) is scope:
                connection.transport.abort()

    def _slow(self, deadline: float) -> ServerStartError:
        place = self.blocking_line()
        if not place:
            return ServerStartError(_SLOW, deadline=deadline)
        never = next((entry for entry in self.log.events if "was never awaited" in entry.text), None)
        warning = "" if never is None else f"{never.text} ({never.place})" if never.place else never.text
        told = _NEVER_AWAITED.format(warning=warning) if warning else ""
        return ServerStartError(_HELD, deadline=deadline, place=place, never=told)

    @staticmethod
    def _start_error(run: _Run) -> ServerStartError:
        raised = run.observed.lifespan_error
        error = raised or run.failure
        if error is None:
            return ServerStartError(_RAISED, error="?", where="", advice=_MEND)
        cause, where = innermost(error)
        said = f"{type(cause).__name__}: {cause}"
        sentence = ServerStartError(
            _RAISED if raised is not None else _NOT_THE_APP,
            error=said,
            where=f" ({where})" if where else "",
            advice=next((advice for part, advice in _ADVICE.items() if part in said), _MEND),
        )
        sentence.__cause__ = cause
        return sentence

    def _live(self, run: _Run) -> None:
        with acting_for(Owner(self.log)):
            self._run_to_the_end(run)

    def _run_to_the_end(self, run: _Run) -> None:
        # Lets the “never awaited” warning name the line that made the coroutine. A setting of this thread alone.
        sys.set_coroutine_origin_tracking_depth(1)
        try:
            # A runner of our own, so that a patched asyncio.run has no say; and a selector loop on every system,
            # because that is the one whose idle time can be filmed.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                self.loop = runner.get_loop()
                runner.run(self._serve(run))
        except (SystemExit, asyncio.CancelledError):
            # How uvicorn reports a failed start, how stop() breaks a handler that holds the loop, and how it
            # ends a start that never ends.
            pass
        except BaseException as error:
            run.failure = error
            collect_exception(self.log, error)
        finally:
            run.end()
            run.ended.set()
            run.settled.set()

    async def _serve(self, run: _Run) -> None:
        run.main = asyncio.current_task()
        if run.main is None:  # and uvicorn's first asyncio.timeout() would fail
            raise ServerStartError(_UNKNOWN_TASKS)
        self.loop.set_exception_handler(self._collect_loop_error)
        if self._watch is not None:
            self._watch.begin(self.loop)
        options = self._options
        if self.gate is not None:
            # Whoever may say where a request came from could be anybody, so no proxy is believed.
            options = {"ws_max_size": self._limits.message_bytes, "proxy_headers": False} | options
        config = uvicorn.Config(
            self.gate or run.observed,
            host=self.host,
            port=self.port,
            log_config=None,
            **options,
        )
        config.load()
        config.ws_protocol_class = dated(config.ws_protocol_class)
        if self.gate is not None:
            config.http_protocol_class = guarded(config.http_protocol_class, self._limits, self.gate.refuse)
        # uvicorn declares whole seconds, asyncio takes any; two whole seconds for a stuck handler are too long.
        config.timeout_graceful_shutdown = 0.5  # type: ignore[assignment]
        farewell = self.gate.say_goodbye if self.gate is not None else None
        engine = run.engine = Engine(config, run.settled.set, farewell)
        await engine.serve(sockets=[run.sock])
        # uvicorn returns while connections that it closed still wait for their last callback, or for a peer that
        # does not read.
        for connection in list(engine.server_state.connections):
            connection.transport.abort()
        for _ in range(2):
            await asyncio.sleep(0)
        self.unfinished = unfinished()

    def _collect_loop_error(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        message = context.get("message", "")
        if "exception" in context:
            collect_exception(self.log, context["exception"], note=message)
        else:
            self.log.add("error", message)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the server's own loop, next to its handlers; safe from any other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def turned(self) -> concurrent.futures.Future[None]:
        """What is done once the server's loop has gone round a few times: what had come when this was called, and what
        followed from it at once, is done. Where a handler holds the loop that takes as long as the handler does."""
        done: concurrent.futures.Future[None] = concurrent.futures.Future()

        def turn(left: int) -> None:
            if left:
                self.loop.call_soon(turn, left - 1)
            else:
                done.set_result(None)

        try:
            self.loop.call_soon_threadsafe(turn, _ROUNDS)
        except RuntimeError:  # the loop is closed
            done.set_result(None)
        return done

    def hang_up(self, websocket: HTTPConnection) -> None:
        """Abort the transport of a connection: what it still has to send is thrown away, and no close frame goes out.

        For a client that does not read, after a deadline for closing has passed. uvicorn gives an app no such call.
        Call it on the server's own loop: in a handler, a task of the app, or a coroutine given to `submit()`.

        Args:
            websocket: what the handler was given; nothing happens where its connection has ended already.
        """
        if self._run is not None:
            self._hang_up(self._run, websocket.scope)

    def watch(self, watch: Watch) -> None:
        """Have the app watched from now on, or from its start if it is not running; that makes it slow.

        Args:
            watch: what to note in. `watch.end()` ends it.
        """
        self._watch = watch
        if self.running:
            with contextlib.suppress(RuntimeError):  # it has just ended
                self.loop.call_soon_threadsafe(watch.begin, self.loop)

    def stop(self, deadline: float = 5.0, *, force: bool = False) -> None:
        """Close every connection (WebSockets with 1012), run the app's shutdown and end the thread.

        Where a handler holds the loop the server is abandoned at the deadline, and a warning says so: the port is
        free and the kernel usable. Stopping a stopped server does nothing.

        Args:
            deadline: seconds to wait at most.
            force: go on after the deadline, for 4 seconds at most, until no line of the app holds the thread any more,
                and say nothing: the warning is in the log alone.
        """
        with _registry:
            if self in _running:
                _running.remove(self)
        run = self._run
        if run is None:
            return
        if threading.current_thread() is self.thread:  # a handler stops its own server: it cannot wait for itself
            if run.engine is not None:
                run.engine.ask_to_stop()
            return
        collecting.begin()  # what the app prints on its way out is still the server's
        try:
            if not self._ends_within(deadline, run):
                self._abandon(run, deadline, say=not force)
            if force:
                self._break_off()
        finally:
            collecting.end()

    def _ends_within(self, deadline: float, run: _Run) -> bool:
        """Ask it to end, and say whether it has."""
        if run.ended.is_set():
            return True
        with contextlib.suppress(RuntimeError):  # its loop is closed: it has just ended by itself, or by somebody else
            if run.settled.is_set() and run.engine is not None:
                self.loop.call_soon_threadsafe(run.engine.ask_to_stop)
            elif run.main is not None:  # still starting, and uvicorn looks at a wish to stop only afterwards
                self.loop.call_soon_threadsafe(run.main.cancel)
        if not run.ended.wait(deadline):
            return False
        self.thread.join(deadline)
        return True

    def blocking_line(self) -> str:
        """The reader's own line that its thread runs at this moment, `In[3] line 4`; empty where it is none of theirs.

        Where the event loop does not go on, this line holds it.
        """
        return place_of(sys._current_frames().get(self.thread.ident or 0))

    def _abandon(self, run: _Run, deadline: float, *, say: bool) -> None:
        where = self.blocking_line()
        run.end()
        self._interrupt()
        run.ended.wait(0.5)
        if self._run is run:
            self._run = None
        why = _BLOCKED.format(place=where) if where else str(_WAITING)
        sentence = _STUCK.format(url=self.url, deadline=deadline, why=why)
        self.log.add("warning", sentence)
        if say:
            print(sentence)

    def _interrupt(self) -> None:
        # Ends a loop written in Python at its next line, so that it does not eat the kernel's time for ever;
        # a call that waits in C ends it when it returns.
        ident = ctypes.c_ulong(self.thread.ident or 0)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit))

    def _break_off(self) -> None:
        # Where many handlers hold the loop one after the other, ending one of them only lets the next one in.
        for _ in range(_TRIES):
            self.thread.join(_BETWEEN_TRIES)
            if not self.thread.is_alive():
                self._close_tasks()
                break
            # Not while the server itself winds up: only what runs in the reader's own lines is broken off.
            if self.blocking_line():
                self._interrupt()

    def _close_tasks(self) -> None:
        # A loop that was broken off leaves handlers in the middle. Closed here they end as Python code; left to the end
        # of the process they would be closed when asyncio's own types are gone, and crash it.
        with acting_for(Owner(self.log)):
            for task in asyncio.all_tasks(self.loop):
                coroutine = task.get_coro()
                if coroutine is not None:
                    with contextlib.suppress(Exception):
                        coroutine.close()

    def restart(self) -> Self:
        """Stop and start again on the same port, with an empty log; open connections end with 1012."""
        self.stop()
        self.log.begin_anew()
        return self.start()

    def page(self, path: str = "/", height: int = 320) -> browser.Page:
        """The page at `path`, shown in the notebook; straight or through jupyter-server-proxy, whichever reaches it.

        Args:
            path: where on this server, `/` by default; without a slash in front, one is put there.
            height: of the frame, in pixels.
        """
        return browser.Page(self.url, self.port, self._identity, "/" + path.removeprefix("/"), height)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self.stop)

    def __await__(self) -> Generator[Any, None, Self]:
        # `await serve(app)` is a slip that costs nothing, so it works.
        yield from asyncio.sleep(0).__await__()
        return self

    def _state(self) -> str:
        return _RUNNING.format(count=self.open_websockets) if self.running else str(_STOPPED)

    def __repr__(self) -> str:
        return f"<Server {self.name} {self.url} · {self._state()}>"

    def _repr_html_(self) -> str:
        return browser.card(self.name, self.url, self.ws_url, self.port, self._identity, self._state(), self.running)


def serve(
    app: Any,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    name: str | None = None,
    token: bool | str = False,
    limits: Limits | None = None,
    send_buffer: int | None = None,
    **options: Any,
) -> Server:
    """Start `app` in a background thread and return once it answers.

    In a notebook, running a cell again replaces the server that the cell started before; so does a server of
    yours on the same fixed port, whichever cell it came from.

    Args:
        app: an ASGI app, such as `FastAPI()`.
        port: 0 takes any free one.
        host: an address of this machine; 127.0.0.1 is reachable from this machine alone, "0.0.0.0" from its whole
            network, which needs a token.
        name: what it is called in pictures.
        token: True shares the app with a room: only who holds the server's token comes in, which is new with each
            start and ends with it. A string is a token of your own, 8 to 64 letters, digits and hyphens.
        limits: what a visitor may ask of a server with a token.
        send_buffer: bytes that the operating system is asked to keep for each connection (`SO_SNDBUF`), so that a
            client that does not read is felt after seconds; left out, the system decides, and takes some megabytes.
        options: options of `uvicorn.Config` that make sense in a thread, such as `ws_ping_interval` (seconds).

    Raises:
        ServerStartError: the port is taken, `host` is open to a network and there is no token, or the app raised or
            did not finish while it started.
        WrongApp: `app` is a name, a class, a handler or anything else that is no ASGI app; or an option that
            cannot work in a thread (`reload`, `workers`).
    """
    validate(app, options)
    validate_sharing(host, token)
    keep_interruptible()
    cell = _running_cell()
    for old in servers():
        rerun = cell is not None and old._cell is not None and old._cell[0] == cell[0] and old._cell[1] != cell[1]
        same_port = port and old.port == port and (old.host == host or {old.host, host} & _TAKES_THE_PORT)
        if rerun or same_port:
            old.stop()
    server = Server(app, host, port, name, options, token, limits, send_buffer)
    server._cell = cell
    return server.start()


def servers() -> list[Server]:
    """The servers of this process that are running, oldest first."""
    with _registry:
        return [server for server in _running if server.running]


def hang_up(websocket: HTTPConnection) -> None:
    """`Server.hang_up()` of the server of this process that holds the connection, also while it is stopping.

    Args:
        websocket: what the handler was given; nothing happens where its connection has ended already.
    """
    with _registry:
        started = list(_started)
    for server in started:
        server.hang_up(websocket)


def stop_all(deadline: float = 5.0) -> None:
    """Stop every server of this process, each within `deadline` seconds."""
    for server in servers():
        server.stop(deadline)


def _forget() -> None:
    _running.clear()  # a forked child has none of its parent's threads


atexit.register(stop_all, 1.0)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)
