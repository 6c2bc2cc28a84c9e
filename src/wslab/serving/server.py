"""serve(), and the server it returns."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import ctypes
import functools
import os
import socket
import sys
import threading
import weakref
from collections.abc import Coroutine
from typing import Any, Self, TypeVar, overload

import uvicorn
from starlette.requests import HTTPConnection

from wslab.gate import Gate, Limits, guarded
from wslab.jupyter import in_kernel
from wslab.language import Text
from wslab.serving import collecting
from wslab.serving.aftermath import tell_of_failures
from wslab.serving.arguments import app_name, token_for, validate, validate_options, validate_sharing
from wslab.serving.binding import bind_again
from wslab.serving.connections import Connections, dated, held
from wslab.serving.engine import Engine
from wslab.serving.errors import ServerStartError
from wslab.serving.exceptions import collect_exception, loop_errors_into, place_of
from wslab.serving.heartbeat import keep_interruptible
from wslab.serving.listening import BLOCKED, WAITING, Listening, forget, register, registered, unregister
from wslab.serving.observing import App, Observed
from wslab.serving.ownership import Owner, acting_for
from wslab.serving.processes.naming import named
from wslab.serving.processes.process_server import ProcessServer
from wslab.serving.sharing import sharing_loop
from wslab.serving.starting import slow, start_error
from wslab.serving.watching import TaskSeen, Watch, unfinished
from wslab.source import ipython_shell

T = TypeVar("T")


_UNKNOWN_TASKS = Text(
    en="The server could not start: asyncio does not know its own tasks here. On Python 3.14 that is what "
    "nest_asyncio.apply() does. Restart the kernel and leave the patch out, or use nest_asyncio2.",
    tr="Sunucu başlayamadı: asyncio burada kendi görevlerini tanımıyor. Python 3.14'te bunun sebebi "
    "nest_asyncio.apply() çağrısıdır. Çekirdeği yeniden başlatıp yamayı uygulamayın ya da nest_asyncio2 kullanın.",
)
_STUCK = Text(
    en="The server at {url} did not stop within {deadline:g} s: {why}. Its port is free again and the notebook goes "
    "on; the stuck thread ends with the kernel.",
    tr="{url} adresindeki sunucu {deadline:g} saniyede durmadı: {why}. Bağlantı noktası yeniden boş, not defteri "
    "çalışmayı sürdürüyor; takılan iş parçacığı çekirdekle birlikte sona erer.",
)
# With one of these, a port of the same number belongs to the same address: every one of this machine, or its loopback.
_TAKES_THE_PORT = {"0.0.0.0", "::", "localhost"}

_TRIES, _BETWEEN_TRIES = 200, 0.02
_ROUNDS = 10  # of the loop: a request takes four, a task that ends and wakes another one takes two

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


class Server(Listening):
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
        judges: whether a check has started it; `servers()` lists those that a reader has started.
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
        super().__init__(host, port, name or app_name(app))
        self.app = app
        self.loop: asyncio.AbstractEventLoop
        self.thread: threading.Thread
        self._token = token
        self._limits = limits or Limits()
        self._send_buffer = send_buffer
        self._options = options
        self._run: _Run | None = None
        self._watch: Watch | None = None
        self.judges = False
        self.unfinished: tuple[TaskSeen, ...] = ()

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
            sock = bind_again(self.host, self._wanted_port, self.port, self._send_buffer)
            self.port = sock.getsockname()[1]
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
            late = None if in_time else slow(self.log, self.blocking_line(), deadline)
            self.stop(deadline=1.0)
            if late is not None:
                raise late
            if isinstance(run.failure, ServerStartError):
                raise run.failure
            raised = run.observed.lifespan_error
            raise start_error(raised or run.failure, by_app=raised is not None)
        register(self)
        with _registry:
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

    def _live(self, run: _Run) -> None:
        with acting_for(Owner(self.log)):
            self._run_to_the_end(run)

    def _run_to_the_end(self, run: _Run) -> None:
        # Lets the “never awaited” warning name the line that made the coroutine. A setting of this thread alone.
        sys.set_coroutine_origin_tracking_depth(1)
        try:
            # A runner of our own, so that a patched asyncio.run has no say; and a selector loop on every system,
            # because that is the one whose idle time can be filmed.
            with asyncio.Runner(loop_factory=sharing_loop if self.judges else asyncio.SelectorEventLoop) as runner:
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
        self.loop.set_exception_handler(loop_errors_into(self.log))
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

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run a coroutine on the server's own loop, next to its handlers; safe from any other thread."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop)

    def turned(self) -> concurrent.futures.Future[None]:
        """A future that is done once the server's loop has turned a few times, so that what had arrived is handled.

        Where a handler holds the loop, that takes as long as the handler does.
        """
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
        unregister(self)
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
        why = BLOCKED.format(place=where) if where else str(WAITING)
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


@overload
def serve(
    app: str,
    *,
    processes: int,
    port: int = 0,
    host: str = "127.0.0.1",
    name: str | None = None,
    send_buffer: int | None = None,
    **options: Any,
) -> ProcessServer: ...
@overload
def serve(
    app: Any,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    name: str | None = None,
    token: bool | str = False,
    limits: Limits | None = None,
    send_buffer: int | None = None,
    processes: None = None,
    **options: Any,
) -> Server: ...
def serve(
    app: Any,
    *,
    port: int = 0,
    host: str = "127.0.0.1",
    name: str | None = None,
    token: bool | str = False,
    limits: Limits | None = None,
    send_buffer: int | None = None,
    processes: int | None = None,
    **options: Any,
) -> Server | ProcessServer:
    """Start `app` in a background thread, or in processes of its own, and return once it answers.

    In a notebook, running a cell again replaces the server that the cell started before; so does a server of
    yours on the same fixed port, whichever cell it came from.

    Args:
        app: an ASGI app, such as `FastAPI()`. With `processes`, the name of a file in the notebook's folder and of the
            app in it: `"chat:app"` is `app` in `chat.py`.
        port: 0 takes any free one.
        host: an address of this machine; 127.0.0.1 is reachable from this machine alone, "0.0.0.0" from its whole
            network, which needs a token.
        name: what it is called in pictures.
        token: True shares the app with a room: only who holds the server's token comes in, which is new with each
            start and ends with it. A string is a token of your own, 8 to 64 letters, digits and hyphens.
        limits: what a visitor may ask of a server with a token.
        send_buffer: bytes that the operating system is asked to keep for each connection (`SO_SNDBUF`), so that a
            client that does not read is felt after seconds; left out, the system decides, and takes some megabytes.
        processes: how many processes import the file and answer at the same port, 1 to 32, under uvicorn's own
            supervisor (`uvicorn.supervisors.Multiprocess`); left out, the server is a thread of this process.
        options: options of `uvicorn.Config` that make sense in a thread, such as `ws_ping_interval` (seconds); with
            `processes` also `timeout_graceful_shutdown` (seconds, None for as long as it takes; 0.5 if left out) and
            `timeout_worker_healthcheck` (seconds after which uvicorn's supervisor replaces a process that does not
            answer, also one that is still starting; 30 if left out).

    Returns:
        A `Server`; with `processes` a `ProcessServer`.

    Raises:
        ServerStartError: the port is taken, `host` is open to a network and there is no token, or the app raised or
            did not finish while it started; with `processes` also where the file can't be imported.
        WrongApp: `app` is a name, a class, a handler or anything else that is no ASGI app; or an option that
            cannot work in a thread (`reload`, `workers`).
    """
    if processes is None:
        validate(app, options)
        validate_sharing(host, token)
    else:
        validate_options(options, of_processes=True)
        its_name = named(app, processes, host, token, options)
        its_name.read()  # before the server of the cell before is stopped
    keep_interruptible()
    tell_of_failures()
    cell = _running_cell()
    for old in registered():
        rerun = cell is not None and old.cell is not None and old.cell[0] == cell[0] and old.cell[1] != cell[1]
        same_port = port and old.port == port and (old.host == host or {old.host, host} & _TAKES_THE_PORT)
        if rerun or same_port:
            old.stop()
    server: Server | ProcessServer
    if processes is None:
        server = Server(app, host, port, name, options, token, limits, send_buffer)
    else:
        server = ProcessServer(its_name, processes, host, port, name, options, send_buffer)
    server.cell = cell
    return server.start()


def servers() -> list[Server | ProcessServer]:
    """The servers of this process that are running, oldest first, without those that a check has started."""
    return [server for server in every_server() if not (isinstance(server, Server) and server.judges)]


def every_server() -> list[Server | ProcessServer]:
    """All servers of this process that are running, oldest first."""
    return [server for server in registered() if isinstance(server, Server | ProcessServer)]


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
    for server in every_server():
        server.stop(deadline)


atexit.register(stop_all, 1.0)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget)
