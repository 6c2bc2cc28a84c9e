"""`record`: makes films, and keeps the last moments of servers that are always filmed."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any

from wslab.language import Text
from wslab.recording import hook
from wslab.recording.assembly import assemble
from wslab.recording.crew import Crew
from wslab.recording.film import Recording, loop_of, running_loop
from wslab.recording.hook import RecordingError
from wslab.recording.sentences import THIS_NOTEBOOK
from wslab.recording.tape import BEGINNING, Tape
from wslab.serving import ProcessServer, Server, every_server

_NOT_ON = Text(
    en="Nothing has been kept: record.last(…) shows what happened lately, and for that the recorder must have been "
    "running. Write record.always_on() once, before the moment you want to look back at.",
    tr="Saklanmış bir şey yok: record.last(…) az önce olanı gösterir, bunun için kaydedicinin çalışıyor olması "
    "gerekir. Geriye dönüp bakmak istediğiniz andan önce bir kez record.always_on() yazın.",
)
_NOT_THIS = Text(
    en="{name} is not always filmed, so there is nothing to look back at. Write record.always_on({name}) first.",
    tr="{name} sürekli kaydedilmiyor, geriye dönüp bakılacak bir şey yok. Önce record.always_on({name}) yazın.",
)
_FUTURE = Text(
    en="record.last(seconds) looks back: seconds must be a positive number, such as record.last(5).",
    tr="record.last(seconds) geriye bakar: seconds pozitif bir sayı olmalı, örneğin record.last(5).",
)
_NO_TARGET = Text(
    en="record() needs to know what to film: record(server), or record(here=True) for this notebook's own loop.",
    tr="record() neyi kaydedeceğini bilmeli: record(server), ya da bu not defterinin kendi döngüsü için "
    "record(here=True).",
)


_PROCESSES = Text(
    en="record.always_on() films loops of this process. A server in processes of its own is filmed by "
    "with record(server) as film: …",
    tr="record.always_on() bu süreçteki döngüleri kaydeder. Ayrı süreçlerdeki sunucu şöyle kaydedilir: "
    "with record(server) as film: …",
)


class Recorder:
    """The type of `record`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._kept: dict[asyncio.AbstractEventLoop, Tape] = {}
        self._every_server = False
        self._keeper: threading.Thread | None = None
        self._wake = threading.Event()

    def __call__(self, target: Any = None, *, here: bool = False, title: str = "") -> Recording:
        """A film of `target`'s event loop, to be used as `with record(server) as film:`.

        Works with plain `with` from another thread than the loop's and from the loop itself, and with
        `async with`. Films may be nested and repeated, and may begin and end under traffic.

        Args:
            target: a server of `serve()`, or an event loop. Of a server with `processes` each process is filmed, those
                that start later too, on the one clock that the processes of a machine share.
            here: film the loop that this line runs in (the notebook's own) as well, on the same clock.
            title: stands above the picture.

        Raises:
            RecordingError: there is no loop to film, or it is one that cannot be filmed (uvloop).
        """
        crew = Crew(target) if isinstance(target, ProcessServer) else None
        loops = [loop_of(target)] if target is not None and crew is None else []
        if here:
            mine = running_loop()
            if all(loop is not mine for loop, _ in loops):
                loops.append((mine, str(THIS_NOTEBOOK)))
        if not loops and crew is None:
            raise RecordingError(_NO_TARGET)
        for loop, _ in loops:
            hook.refuse_unfilmable(loop)
        return Recording(loops, title, crew)

    def always_on(self, target: Any = None) -> None:
        """Keep filming in a ring, so that `record.last(seconds)` can look back.

        Args:
            target: a server or a loop; without one, every server of `serve()`, those that start later too.

        Raises:
            RecordingError: the loop cannot be filmed.
        """
        hook.self_test()
        with self._lock:
            if target is None:
                self._every_server = True
                self._keep_up()
                if self._keeper is None:
                    self._wake.clear()
                    self._keeper = threading.Thread(target=self._keep, name="wslab recorder keeper", daemon=True)
                    self._keeper.start()
            elif isinstance(target, ProcessServer):
                raise RecordingError(_PROCESSES)
            else:
                self._keep_one(*loop_of(target))

    def always_off(self) -> None:
        """Stop what `always_on` began; films that run go on."""
        with self._lock:
            self._every_server = False
            self._keeper = None
            self._wake.set()
            for tape in self._kept.values():
                hook.detach(tape)
            self._kept.clear()

    def last(self, seconds: float, target: Any = None) -> Recording:
        """The last `seconds` of a loop that is always filmed, as a recording.

        Args:
            seconds: how far to look back; the ring holds 50,000 steps.
            target: which server or loop, if several are always filmed; otherwise the latest.

        Raises:
            RecordingError: nothing has been kept, or `seconds` is not positive.
        """
        if not seconds > 0:
            raise RecordingError(_FUTURE)
        with self._lock:
            if target is not None:
                loop, name = loop_of(target)
                tape = self._kept.get(loop)
                if tape is None:
                    raise RecordingError(_NOT_THIS, name=name)
            else:
                if self._every_server:
                    self._keep_up()
                if not self._kept:
                    raise RecordingError(_NOT_ON)
                tape = list(self._kept.values())[-1]
        hook.settle(tape)
        end = time.perf_counter_ns()
        start = max(tape.started, end - int(seconds * 1e9))
        return Recording.of(assemble([tape.cut(BEGINNING, start, end)]), started_ns=start)

    def _keep_one(self, loop: asyncio.AbstractEventLoop, name: str) -> None:
        if loop not in self._kept:
            self._kept[loop] = hook.attach(loop, name)

    def _keep_up(self) -> None:
        """Begin with servers that are new; a stopped server's last moments stay until a newer one is filmed."""
        running = {server.loop: server.name for server in every_server() if isinstance(server, Server)}
        fresh = [loop for loop in running if loop not in self._kept]
        if fresh:
            for loop in [loop for loop in self._kept if loop.is_closed()]:
                hook.detach(self._kept.pop(loop))
        for loop in fresh:
            self._keep_one(loop, running[loop])

    def _keep(self) -> None:
        me = threading.current_thread()
        while not self._wake.wait(0.1):
            with self._lock:
                if self._keeper is not me:
                    return
                try:
                    self._keep_up()
                except RecordingError:  # closed between two looks
                    continue

    def __repr__(self) -> str:
        return "record(server, here=False): with record(server) as film: …"


record = Recorder()
