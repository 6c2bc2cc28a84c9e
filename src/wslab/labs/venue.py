"""Where the app under judgement is served. The judge needs an address, and to hear what the server raised."""

from __future__ import annotations

import asyncio
import itertools
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from wslab.capture import Capture, LiveCapture, capture
from wslab.labs.verdict import Misconception, Raised
from wslab.language import Text
from wslab.serving import Entry, Log, Server, ServerStartError, every_server, threads
from wslab.serving.arguments import validate
from wslab.serving.observing import App, Message, Receive, Send
from wslab.serving.watching import TaskSeen, Watch

Address = tuple[str, int] | str
"""Host and port, or the path of a Unix socket."""

Mark = tuple[int, int]
"""A place in what a server has raised: which start of the app, and where since then."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the app's own code did while it was watched, told by its server.

    Attributes:
        caught: exceptions in the reader's own lines, whoever caught them, the first one first; none of those that say
            only that a client left or that somebody waited long enough.
        tasks: the tasks that the reader's code made, the first one first.
    """

    caught: tuple[Raised, ...] = ()
    tasks: tuple[TaskSeen, ...] = ()


class NotServed(ServerStartError):
    """There is no server to judge.

    Attributes:
        misconception: what that says about the app.
        observed: what was seen.
    """

    def __init__(self, misconception: Misconception, observed: Text) -> None:
        super().__init__(observed)
        self.misconception = misconception
        self.observed = observed


class Venue(Protocol):
    """What a stage needs of the place where an app is served. It may be another process than the judge's."""

    @property
    def cell_error(self) -> Text | str:
        """What stopped the cell that makes the app; empty where it came to its end, and where there are no cells."""

    @property
    def address(self) -> Address:
        """Where clients connect. It changes when the app is started anew."""

    @property
    def alone(self) -> bool:
        """Whether the app is served here and nowhere else, so that all its clients are the check's."""

    def begin(self, check: str) -> None:
        """A check begins, and all that its clients do may be recorded from here on."""

    def end(self) -> None:
        """The check that began last is over."""

    def mark(self) -> Mark:
        """A place in what the server has raised so far, to be given to `raised()`."""

    def raised(self, since: Mark) -> tuple[Raised, ...]:
        """What the server raised and warned after that place."""

    def blocking_line(self) -> str:
        """The reader's own line that holds the server's event loop, as `In[2] line 25`; empty where nobody knows."""

    async def turned(self, within: float) -> None:
        """Wait until the server has handled what its clients had sent when this was called.

        Args:
            within: seconds to wait at most.
        """

    def watch(self) -> None:
        """Have the app watched from now on, also when it is started anew. That makes it slow: for a second look."""

    def watched(self) -> Watched:
        """What was seen since `watch()`, which ends with it."""

    async def start(self) -> None:
        """Have the app served if it is not.

        Raises:
            NotServed: there is nothing to serve, or why it is not served is known.
            ServerStartError: it does not start.
        """

    async def stop(self) -> tuple[TaskSeen, ...]:
        """Shut the app down as `server.stop()` does: WebSockets end with 1012, the lifespan runs to its end.

        Returns:
            The app's own tasks that were still running when its shutdown was over, and its threads a moment later.
        """

    async def restart(self) -> None:
        """Have the app served again, whatever state it is in; what hangs is left behind.

        Raises:
            ServerStartError: it does not start.
        """


class Processes(Venue, Protocol):
    """Where an app is served by several processes, the first of them at `address`, with a broker of its own."""

    @property
    def addresses(self) -> Sequence[Address]:
        """Where each process is reached."""

    async def kill_process(self, number: int) -> None:
        """End a process at once, as `kill -9` does."""

    async def start_process(self, number: int) -> None:
        """Start a process in the place of one that has ended.

        Raises:
            ServerStartError: it does not start.
        """

    async def stop_process(self, number: int) -> tuple[TaskSeen, ...]:
        """Shut a process down as its supervisor would: WebSockets end with 1012, the lifespan runs to its end.

        Returns:
            The app's own tasks that were still running when its shutdown was over.
        """

    async def kill_broker(self) -> None:
        """End the broker at once; what it held is lost."""

    async def start_broker(self) -> None:
        """Start it again, empty, at the same address."""


_STARTING = 4.0  # seconds that an app's own start-up may take
_STOPPING = 1.5  # and so the longest that a check ever sees a shutdown take
_LINGERING = 0.5  # seconds that a thread may take to end after its server
SWITCHING = 0.0005
"""Seconds after which a thread that computes lets the next one have the interpreter, while an app is judged."""


class Loopback:
    """Gives an app the client and server addresses of a TCP port: over a Unix socket, clients have no address."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._ports = itertools.count(32768)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and not scope.get("client"):
            scope["client"] = ("127.0.0.1", 32768 + next(self._ports) % 28000)
            scope["server"] = ("127.0.0.1", 8000)
        await self._app(scope, receive, send)


class Served:
    """An app that is served in a thread of this process, as a learner's own `serve(app)` does it.

    Attributes:
        app: the app.
        captures: by the name of a check, every byte of its last run.
        cell_error: what stopped the cell that makes the app; empty where nothing did.
    """

    def __init__(self, app: Any, listen: Callable[[], socket.socket] | None = None) -> None:
        """Nothing is started yet.

        Args:
            app: the app.
            listen: gives each start of the app a socket that listens; a new port of loopback if left out.

        Raises:
            WrongApp: `app` is no ASGI app.
        """
        validate(app, {})
        self.app = app
        self.cell_error: Text | str = ""
        self._listen = listen
        self.captures: dict[str, Capture] = {}
        self._check = ""
        self._server: Server | None = None
        self._former: Address = ("127.0.0.1", 9)  # of the server before, where it was not started again
        self._wire: LiveCapture | None = None
        self._switching: float | None = None
        self._logs: list[Log] = []
        self._watch: Watch | None = None

    @property
    def address(self) -> Address:
        where = self._server if self._wire is None else self._wire
        return (where.host, where.port) if where is not None else self._former

    @property
    def alone(self) -> bool:
        others = (server for server in every_server() if isinstance(server, Server) and server is not self._server)
        return not any(server.app is self.app for server in others)

    @property
    def running(self) -> bool:
        """Whether its server runs."""
        return self._server is not None and self._server.running

    async def start(self) -> None:
        """Start the server if it is not running.

        Raises:
            ServerStartError: it does not start.
        """
        if not self.running:
            server = Server(self.app, "127.0.0.1", 0, "app", {})
            server.judges = True
            if self._watch is not None:
                server.watch(self._watch)
            sock = self._listen() if self._listen is not None else None
            await asyncio.to_thread(server.start, _STARTING, sock)
            self._server = server
            self._logs.append(server.log)

    async def stop(self) -> tuple[TaskSeen, ...]:
        if self._server is None:
            return ()
        # What holds its loop is not waited for.
        leaving = _leave(self._server, _STOPPING)
        await asyncio.to_thread(lambda: leaving.join(2 * _STOPPING))
        return self._server.unfinished + await asyncio.to_thread(threads.left, self._server.log, _LINGERING)

    async def restart(self) -> None:
        recording = self._wire is not None
        self._stop_recording()
        if self._server is not None:
            self._former = self._server.host, self._server.port
            _leave(self._server, 0.2)
            self._server = None
        await self.start()
        if recording:
            self.begin(self._check)

    def begin(self, check: str) -> None:
        assert self._server is not None
        self.end()
        # The judge, the capture and the server share one interpreter; where the server computes in a thread, each of
        # them would wait five milliseconds for its turn, and a round trip takes several turns.
        self._switching = sys.getswitchinterval()
        sys.setswitchinterval(SWITCHING)
        self._check = check
        self._wire = capture(self._server)
        self._wire.__enter__()

    def end(self) -> None:
        if self._switching is not None:
            sys.setswitchinterval(self._switching)
            self._switching = None
        self._stop_recording()

    def _stop_recording(self) -> None:
        if self._wire is not None:
            self._wire.stop(0.1)
            self.captures[self._check] = self._wire
            self._wire = None

    def mark(self) -> Mark:
        last = self._logs[-1].events[-1:] if self._logs else ()
        return len(self._logs), last[0].time_ns if last else -1

    def raised(self, since: Mark) -> tuple[Raised, ...]:
        starts, place = since
        logs = enumerate(self._logs[starts - 1 :] if starts else self._logs)
        return tuple(
            _raised(entry)
            for later, log in logs
            for entry in log.events
            if entry.kind in ("error", "warning") and (later or not starts or entry.time_ns > place)
        )

    async def turned(self, within: float) -> None:
        until = time.perf_counter() + within
        # What a client sends reaches the capture first, and then the server.
        for end in (self._wire, self._server):
            if end is not None:
                turn = asyncio.wrap_future(end.turned())
                await asyncio.wait({turn}, timeout=max(0.0, until - time.perf_counter()))

    def watch(self) -> None:
        self._watch = Watch()
        if self._server is not None:
            self._server.watch(self._watch)

    def watched(self) -> Watched:
        watch, self._watch = self._watch, None
        if watch is None:
            return Watched()
        watch.end()
        caught = tuple(Raised(one.name, one.text, one.place) for one in tuple(watch.caught.values()))
        return Watched(caught, watch.tasks())

    def blocking_line(self) -> str:
        return self._server.blocking_line() if self._server is not None else ""


def _raised(entry: Entry) -> Raised:
    lines = entry.text.splitlines() or [""]
    # Of a traceback as text, as a lifespan's failure is logged, the last line says what was raised.
    text = lines[-1] if lines[0].startswith("Traceback ") else lines[0]
    # What asyncio reports comes with a note in front: “Task exception was never retrieved: ValueError: …”.
    name = next((word for word in text.split(": ") if word.isidentifier() or ("." in word and " " not in word)), text)
    return Raised(name.rpartition(".")[2], text, entry.place, entry.caught or entry.kind == "warning")


def _leave(server: Server, deadline: float) -> threading.Thread:
    """Stop a server in a thread of its own, whatever holds its loop; return the thread."""
    thread = threading.Thread(
        target=server.stop, args=(deadline,), kwargs={"force": True}, name="wslab check ends", daemon=True
    )
    thread.start()
    return thread
