"""A server whose app runs in processes of its own."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Any, Self

from wslab.language import Text, current_language
from wslab.serving.binding import bind_again
from wslab.serving.connections import Connection, Connections
from wslab.serving.errors import ServerStartError
from wslab.serving.listening import BLOCKED, WAITING, Listening, register, unregister
from wslab.serving.processes.exchange import Exchange, Peer
from wslab.serving.processes.frames import Message, Plan
from wslab.serving.processes.naming import Named
from wslab.serving.starting import slow
from wslab.source import is_user_code, place

_PROGRAM = "from wslab.serving.processes.supervisor import main; main()"
# -P: a learner's queue.py is no module of the supervisor's. faulthandler: a crash in C names the line.
_OPTIONS = ("-P", "-X", "faulthandler")

_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)

_HELLO_DEADLINE = 30.0
"""Seconds for new Pythons to start and import the kit, also on a busy machine."""
_ANSWER_DEADLINE = 1.0
# uvicorn declares whole seconds, asyncio takes any; two whole seconds for a stuck handler are too long. Its supervisor
# kills a worker that does not answer for the second time, also one that is still importing, as on a busy machine.
_TIMEOUTS: dict[str, Any] = {"timeout_graceful_shutdown": 0.5, "timeout_worker_healthcheck": int(_HELLO_DEADLINE)}
_KILL_DEADLINE = 5.0
_PEERS_KEPT = 10_000
_LINES_KEPT, _LINES_SAID = 100, 8

_numbers = itertools.count(1)  # of instruments

_FAULT = "Fatal Python error: "  # the form of faulthandler's output
_LINE_OF_FAULT = re.compile(r'  File "(.+)", line (\d+) in ')

_READY = Text(en="answers", tr="yanıt veriyor")
_WENT = Text(en="The process has ended.", tr="Süreç sona erdi.")
_LEFT_ALONE = Text(
    en="uvicorn's supervisor has ended, and its processes with it: the server does not answer any more.",
    tr="uvicorn'un gözetmen süreci sona erdi, süreçleri de onunla birlikte: sunucu artık yanıt vermiyor.",
)
_DIED = Text(
    en="A process of the server ended while it started, so there is no server. {said}",
    tr="Sunucunun bir süreci başlarken sona erdi, bu yüzden sunucu yok. {said}",
)
_SAID = Text(en="The last that it wrote:\n{lines}", tr="Son yazdıkları:\n{lines}")
_SAID_NOTHING = Text(
    en="It wrote nothing; a call such as os._exit() or a crash in C does that.",
    tr="Hiçbir şey yazmadı; os._exit() gibi bir çağrı ya da C içindeki bir çökme böyle yapar.",
)
_NO_PROCESS = Text(
    en="The processes of the server had not started after {deadline:g} s. {said}",
    tr="Sunucunun süreçleri {deadline:g} saniyede başlayamadı. {said}",
)
_IMPORTING = Text(
    en="Importing {file} had not finished after {deadline:g} s{where}. A file that is imported has to come to its end: "
    "put what runs for ever into the lifespan as a task.",
    tr="{file} dosyasının içe aktarılması {deadline:g} saniyede bitmedi{where}. İçe aktarılan dosyanın sonuna "
    "varılmalı: sürekli çalışan işi lifespan içinde bir görev yapın.",
)
_KILLED = Text(
    en="The server at {url} did not stop within {deadline:g} s: {why}. Its processes were killed, and its port is free "
    "again.",
    tr="{url} adresindeki sunucu {deadline:g} saniyede durmadı: {why}. Süreçleri zorla sonlandırıldı, bağlantı noktası "
    "yeniden boş.",
)
_IN = Text(en="{state} · processes: {count}", tr="{state} · süreç: {count}")


class Attachment:
    """An instrument in every process of a server, also in those that start later; made by `ProcessServer.attach`."""

    def __init__(
        self, what: str, noted: Callable[[int, Message], None], gone: Callable[[int], None], number: int
    ) -> None:
        self.what = what
        self.noted = noted
        self.gone = gone
        self.number = number
        self.ending = False

    def begin(self, peer: Peer) -> None:
        """Let it begin in a process, unless it is to end: nobody would tell this process so."""
        if not self.ending:
            peer.tell({"kind": "begin", "number": self.number, "what": self.what})


class _Run:
    """From one start of the server to its end."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.supervisor: Peer | None = None
        self.workers: dict[int, Peer] = {}
        self.importing: set[int] = set()
        self.imported: set[int] = set()
        self.ready: dict[int, Peer] = {}
        self.open: dict[int, int] = {}
        self.reasons: dict[int, str] = {}
        self.failed = False
        self.reason: str | None = None
        self.last_lines: list[str] = []
        self.lock = threading.Condition()
        self.settled = False  # all are ready, or one has failed
        self.stopping = False
        self.exited = False  # the supervisor
        self.exchange: Exchange
        self.process: subprocess.Popen[bytes]
        self.reader: threading.Thread

    @property
    def ended(self) -> bool:
        return self.exited and not self.workers

    def said(self) -> str:
        """The last lines that its processes wrote past Python's own streams, and of a crash in C its own line."""
        lines = "\n".join(_of_a_crash(self.last_lines) or self.last_lines[-_LINES_SAID:])
        return _SAID.format(lines=lines) if lines else str(_SAID_NOTHING)


class ProcessServer(Listening):
    """A server whose app runs in processes of its own, from a file; uvicorn's own supervisor starts and watches them.

    Made by `serve("chat:app", processes=2)`. It is what a `Server` is, with these differences: the app's objects are
    not in this process, so there is no `app`, `loop`, `thread` or `submit()`. Each row of `log` and each of
    `connections` says in which process it was. `restart()` imports the file again.

    A process that dies is replaced by the supervisor. All of them end with `stop()`, and with this kernel, also when it
    is killed. Source: `uvicorn.supervisors.Multiprocess`, uvicorn's documentation, “Deployment”.

    Attributes:
        processes: how many workers were asked for.
    """

    def __init__(
        self,
        named: Named,
        processes: int,
        host: str,
        port: int,
        name: str | None,
        options: dict[str, Any],
        send_buffer: int | None = None,
    ) -> None:
        super().__init__(host, port, name or named.app)
        self.processes = processes
        self._named = named
        self._options = options
        self._send_buffer = send_buffer
        self._run: _Run | None = None
        self._attached: dict[int, Attachment] = {}
        self._peers: OrderedDict[tuple[str, int], int] = OrderedDict()

    # -- what it is doing ---------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether its supervisor runs, so that it answers or soon will again."""
        run = self._run
        return run is not None and not run.exited and not run.stopping

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that answer, by their numbers in the operating system, the one that has longest done so first.

        For `os.kill(server.pids[0], signal.SIGKILL)`; the supervisor then starts another one, within a second or two.
        """
        run = self._run
        if run is None:
            return ()
        with run.lock:
            return tuple(run.ready)

    @property
    def supervisor(self) -> int:
        """The number of the supervisor's process in the operating system; 0 where it does not run."""
        run = self._run
        return run.supervisor.pid if run is not None and run.supervisor is not None and not run.exited else 0

    @property
    def open_websockets(self) -> int:
        """How many WebSocket handlers have accepted and not ended yet, in all processes together.

        A process that does not answer within a second counts with what it said last.
        """
        run = self._run
        if run is None:
            return 0
        answers = self._asked(run, "open")
        with run.lock:
            return sum(answers.get(pid, run.open.get(pid, 0)) for pid in run.workers)

    @property
    def connections(self) -> Connections:
        """The WebSocket connections that the processes hold at this moment, oldest first; displayed, a table.

        As those of a `Server`, and each says in which `process` it is. A process that does not answer within a second
        is left out.
        """
        run = self._run
        answers = self._asked(run, "connections") if run is not None else {}
        found = [
            Connection(peer, path, buffered, datetime.fromisoformat(since), pid)
            for pid, rows in answers.items()
            for peer, path, buffered, since in rows
        ]
        return Connections(sorted(found, key=lambda one: one.since))

    def process_of(self, peer: tuple[str, int]) -> int:
        """Which process has taken a client's connection, by its number in the operating system; 0 where it is unknown.

        Args:
            peer: address and port of the client, as the server sees them. The latest 10,000 are known.
        """
        return self._peers.get(peer, 0)

    def attach(self, what: str, noted: Callable[[int, Message], None], gone: Callable[[int], None]) -> Attachment:
        """Let an instrument of the kit watch every process, also those that start later.

        Args:
            what: its class, `"module:Class"`; see `worker.Instrument`.
            noted: called with the process's number and what the instrument has sent; as is `gone`, in a thread of the
                server.
            gone: called with the number of a process that has ended.
        """
        attachment = Attachment(what, noted, gone, next(_numbers))
        run = self._run
        if run is None:
            self._attached[attachment.number] = attachment
            return attachment
        with run.lock:  # else a process that comes at this moment would begin twice
            self._attached[attachment.number] = attachment
            for peer in run.workers.values():
                attachment.begin(peer)
        return attachment

    def detach(self, attachment: Attachment) -> None:
        """Let an instrument send the last of what it has, and end. What it sends is still noted, until `forget`.

        Args:
            attachment: as `attach` gave it.
        """
        attachment.ending = True
        if self._run is not None:
            with self._run.lock:
                for peer in self._run.workers.values():
                    peer.tell({"kind": "finish", "number": attachment.number})

    def forget(self, attachment: Attachment) -> None:
        """Nothing more of an instrument is noted, and it does not begin in new processes.

        Args:
            attachment: as `attach` gave it.
        """
        self._attached.pop(attachment.number, None)

    def _asked(self, run: _Run, what: str) -> dict[int, Any]:
        """What the workers answer, by their numbers; without those that have not answered in time."""
        with run.lock:
            asked = {pid: peer.ask(what) for pid, peer in run.workers.items()}
        concurrent.futures.wait(asked.values(), _ANSWER_DEADLINE)
        return {pid: answer.result() for pid, answer in asked.items() if answer.done() and not answer.cancelled()}

    def _state(self) -> str:
        state = super()._state()
        return _IN.format(state=state, count=len(self.pids)) if self.running else state

    # -- start --------------------------------------------------------------------------------------------------

    def start(self, deadline: float = 20.0) -> Self:
        """Bind, start the processes, and return once each of them answers.

        Args:
            deadline: seconds that importing the file and the app's own start-up may take, once the processes run.

        Raises:
            ServerStartError: the file is missing or is no Python, importing it raised, it has no such app, the port is
                taken, or the app raised, ended or did not finish while it started.
        """
        self._named.read()
        sock = bind_again(self.host, self._wanted_port, self.port, self._send_buffer)
        self.port = sock.getsockname()[1]
        run = self._run = _Run(sock)
        try:
            self._launch(run)
            self._await_start(run, deadline)
        except BaseException:  # also the ■ button
            self._kill(run)
            self._run = None
            raise
        register(self)
        return self

    def _launch(self, run: _Run) -> None:
        run.exchange = Exchange(
            lambda peer: self._came(run, peer),
            lambda peer, message: self._heard(run, peer, message),
            lambda peer: self._went(run, peer),
        )
        windows = sys.platform == "win32"
        try:
            run.process = subprocess.Popen(
                [sys.executable, *_OPTIONS, "-c", _PROGRAM],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=() if windows else (run.sock.fileno(),),
                # What interrupts the kernel (SIGINT to its group, Ctrl+C in a console) is not meant for the server.
                start_new_session=not windows,
                creationflags=_NO_CONSOLE,
            )
        except BaseException:  # no memory or no descriptors are left
            run.exchange.close()
            raise
        run.reader = threading.Thread(target=self._read_output, args=(run,), name="wslab output", daemon=True)
        run.reader.start()
        threading.Thread(target=self._wait_for_supervisor, args=(run,), name="wslab supervisor", daemon=True).start()
        said = {
            "line": run.exchange.port,
            "secret": run.exchange.secret,
            "kernel": os.getpid(),
            "socket": -1 if windows else run.sock.fileno(),
        }
        assert run.process.stdin is not None
        with contextlib.suppress(OSError), run.process.stdin as stdin:  # it may have ended already
            stdin.write(json.dumps(said).encode() + b"\n")

    def _plan(self, run: _Run, supervisor: int) -> Plan:
        return Plan(
            app=self._named.app,
            folder=str(self._named.folder),
            file=str(self._named.file),
            host=self.host,
            port=self.port,
            identity=self._identity,
            language=current_language(),
            processes=self.processes,
            options=_TIMEOUTS | self._options,
            line=run.exchange.port,
            secret=run.exchange.secret,
            supervisor=supervisor,
        )

    def _await_start(self, run: _Run, deadline: float) -> None:
        with run.lock:
            # Not the app's time: Pythons start, and import the kit.
            if not run.lock.wait_for(lambda: run.settled or len(run.importing) >= self.processes, _HELLO_DEADLINE):
                raise ServerStartError(_NO_PROCESS, deadline=_HELLO_DEADLINE, said=run.said())
            if run.lock.wait_for(lambda: run.settled, deadline):
                if not run.failed:
                    return
                if run.reason is not None:
                    raise ServerStartError(run.reason)
                late = []
            else:
                late = [pid for pid in run.workers if pid not in run.ready]
            importing = any(pid not in run.imported for pid in late)
        if run.failed:
            self._kill(run)  # so that everything that they wrote is there
            raise ServerStartError(_DIED, said=run.said())
        places = self._asked(run, "place")
        where = next((places[pid] for pid in late if places.get(pid)), "")
        if importing:
            raise ServerStartError(
                _IMPORTING, file=self._named.file.name, deadline=deadline, where=f" ({where})" if where else ""
            )
        raise slow(self.log, where, deadline)

    # -- what its processes say, in the exchange's thread -------------------------------------------------------

    def _came(self, run: _Run, peer: Peer) -> None:
        with run.lock:
            if peer.role == "worker":
                run.workers[peer.pid] = peer
                for attachment in list(self._attached.values()):
                    attachment.begin(peer)
            else:
                run.supervisor = peer
                share = None
                if sys.platform == "win32":
                    share = run.sock.share(peer.pid).hex()
                peer.tell({"kind": "plan", "plan": self._plan(run, peer.pid), "share": share})
            run.lock.notify_all()

    def _heard(self, run: _Run, peer: Peer, message: Message) -> None:
        kind = message["kind"]
        if kind == "row":
            run.open[peer.pid] = message.get("open", 0)
            self.log.add_of_process(peer.pid, *message["row"])
            return
        if kind == "noted":
            if (attachment := self._attached.get(message["number"])) is not None:
                attachment.noted(peer.pid, message["data"])
            return
        if kind == "peer":
            host, port = message["peer"]
            self._peers[host, port] = peer.pid
            self._peers.move_to_end((host, port))
            if len(self._peers) > _PEERS_KEPT:
                self._peers.popitem(last=False)
            return
        with run.lock:
            if kind == "importing":
                run.importing.add(peer.pid)
            elif kind == "imported":
                run.imported.add(peer.pid)
            elif kind == "failed":
                run.reasons[peer.pid] = message["sentence"]
            elif kind == "ready":
                run.reasons.pop(peer.pid, None)
                run.ready[peer.pid] = peer
                run.settled = run.settled or len(run.ready) >= self.processes
                # The processes hold the port from here on, and it is free once they have ended.
                run.sock.close()
            run.lock.notify_all()
        if kind == "ready":
            self.log.add_of_process(peer.pid, time.perf_counter_ns(), "log", str(_READY))

    def _went(self, run: _Run, peer: Peer) -> None:
        with run.lock:
            if peer.role == "worker":
                run.workers.pop(peer.pid, None)
                was_ready = run.ready.pop(peer.pid, None) is not None
                run.open.pop(peer.pid, None)
                reason = run.reasons.pop(peer.pid, None)
                if not run.settled:
                    self._fail(run, reason)
            run.lock.notify_all()
        if peer.role == "worker":
            for attachment in list(self._attached.values()):
                attachment.gone(peer.pid)
        if peer.role == "worker" and not run.stopping:
            now = time.perf_counter_ns()
            self.log.add_of_process(peer.pid, now, "warning" if was_ready else "error", reason or str(_WENT))

    def _fail(self, run: _Run, reason: str | None) -> None:
        run.failed = run.settled = True
        run.reason = run.reason or reason

    # -- what happens to the supervisor, in threads of their own ------------------------------------------------

    def _read_output(self, run: _Run) -> None:
        assert run.process.stdout is not None
        with run.process.stdout as stdout:
            for line in stdout:
                text = line.decode(errors="replace").rstrip()
                run.last_lines = [*run.last_lines, text][-_LINES_KEPT:]
                self.log.add("print", text)

    def _wait_for_supervisor(self, run: _Run) -> None:
        run.process.wait()
        with run.lock:
            run.exited = True
            left = list(run.workers.values())
            if not run.settled:
                self._fail(run, next(iter(run.reasons.values()), None))
            run.lock.notify_all()
        run.sock.close()
        if not run.stopping:
            unregister(self)
            self.log.add("warning", str(_LEFT_ALONE))
            for peer in left:
                _kill(peer.pid)
            with run.lock:
                run.lock.wait_for(lambda: run.ended, _KILL_DEADLINE)
            run.exchange.close()

    # -- stop ---------------------------------------------------------------------------------------------------

    def stop(self, deadline: float = 5.0, *, force: bool = False) -> None:
        """Close every connection (WebSockets with 1012), run the app's shutdown and end the processes.

        Those that have not ended at the deadline are killed, and a warning says so. When it returns no process is left
        and the port is free. Stopping a stopped server does nothing.

        Args:
            deadline: seconds to wait at most.
            force: say nothing of processes that had to be killed; the warning is in the log alone.
        """
        unregister(self)
        run = self._run
        if run is None:
            return
        with run.lock:
            already, run.stopping = run.stopping or run.exited, True
            supervisor, workers = run.supervisor, list(run.workers.values())
        if supervisor is not None and not already:
            supervisor.tell({"kind": "end"})
            if sys.platform == "win32":  # where there is no SIGTERM by which the supervisor would ask them
                for peer in workers:
                    peer.tell({"kind": "end"})
        with run.lock:
            in_time = run.lock.wait_for(lambda: run.ended, deadline)
        if not in_time:
            where = next(filter(None, self._asked(run, "place").values()), "")
            self._kill(run)
            why = BLOCKED.format(place=where) if where else str(WAITING)
            sentence = _KILLED.format(url=self.url, deadline=deadline, why=why)
            self.log.add("warning", sentence)
            if not force:
                print(sentence)
        # Whoever writes there holds the port, too: a process that was just being started, for one.
        run.reader.join(_ANSWER_DEADLINE)
        run.exchange.close()

    def _kill(self, run: _Run) -> None:
        """End every process now, and wait until they are gone."""
        run.stopping = True
        run.sock.close()
        if not hasattr(run, "process"):
            return
        run.process.kill()
        with run.lock:
            for pid in run.workers:  # whose line is open: the number is still its own
                _kill(pid)
            run.lock.wait_for(lambda: run.ended, _KILL_DEADLINE)
        run.reader.join(_ANSWER_DEADLINE)
        run.exchange.close()

    def restart(self) -> Self:
        """Stop and start again on the same port, with an empty log and the file as it is now.

        Open connections end with 1012. Where the file is not Python any more, the server goes on as it was.

        Raises:
            ServerStartError: as `start()`.
        """
        self._named.read()
        return super().restart()


def _of_a_crash(lines: list[str]) -> list[str]:
    """What faulthandler wrote: the fault, and the innermost line of the reader's own; empty if it wrote nothing."""
    faults = [number for number, line in enumerate(lines) if line.startswith(_FAULT)]
    if not faults:
        return []
    found = [_LINE_OF_FAULT.match(line) for line in lines[faults[-1] :]]
    own = [place(one[1], int(one[2])) for one in found if one and is_user_code(one[1])]
    return [lines[faults[-1]] + (f" ({own[0]})" if own else "")]


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))  # on Windows each of them is TerminateProcess
