"""Serves a submission's app in a process of its own while it is judged.

That process's reports about itself are untrusted: they explain a verdict (what was raised, which line blocks the
loop), and they add no point. Points are for what the app does over the wire.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, cast, get_args

from wslab.cells import makes
from wslab.grading.isolation.sandbox import Confined, Start
from wslab.grading.plain import plain
from wslab.grading.task import Cell, Limits
from wslab.labs import general
from wslab.labs.processes.venue import PROCESSES
from wslab.labs.venue import Address, Mark, NotServed, Watched
from wslab.labs.verdict import Raised
from wslab.language import LANGUAGES, Filled, Text, filled, verbatim
from wslab.serving.watching import State, TaskSeen

_CELL = 5.0  # seconds for one cell, after which it is interrupted
_LET_GO = 3.0  # seconds in which an interrupted cell has to let go
_STARTING, _STOPPING = 8.0, 6.0
_REPLAYS = 3
_MOST_RAISED, _MOST_PASSED = 1000, 20
_RUNS_ON = Text(
    en="`{cell}` took longer than {seconds:g} s and did not let itself be interrupted; the rest was run without it.",
    tr="`{cell}` {seconds:g} saniyeden uzun sürdü ve kesilemedi; geri kalanı onsuz çalıştırıldı.",
)
_ENDED_IT = Text(
    en="`{cell}` ended the whole process; the rest was run without it.",
    tr="`{cell}` bütün süreci sona erdirdi; geri kalanı onsuz çalıştırıldı.",
)
_STOPPED = Text(en="`{cell}` stopped with {error}.", tr="`{cell}` şu hatayla durdu: {error}.")
_TOO_LONG = Text(
    en="`{cell}` ran too long, and was interrupted after {seconds:g} s.",
    tr="`{cell}` çok uzun sürdü ve {seconds:g} saniye sonra kesildi.",
)
_PASSED_OVER = Text(
    en="`{cell}` has a line that was not run: `{line}`.",
    tr="`{cell}` içindeki bir satır çalıştırılmadı: `{line}`.",
)
_NO_NAME = Text(
    en="There is no `{name}` after all cells have run.", tr="Bütün hücreler çalıştıktan sonra `{name}` yok."
)
_MEMORY = Text(
    en="The submission took more than {size} MB of memory, and its process was ended.",
    tr="Teslim {size} MB'tan çok bellek kullandı, süreci sona erdirildi.",
)
_SILENT = Text(
    en="The submission's process ended, or said nothing any more, before the app was served.",
    tr="Teslimin süreci, uygulama sunulmadan önce sona erdi ya da hiç ses vermez oldu.",
)
_CUT = Text(
    en="The submission reported more than is read; what it raised later is not shown.",
    tr="Teslim, okunandan fazlasını bildirdi; sonradan fırlattıkları gösterilmiyor.",
)


class Isolated:
    """A venue (`wslab.labs.venue.Venue`) in a process of its own.

    Attributes:
        notes: what is to be said about the run.
    """

    def __init__(
        self,
        cells: Sequence[Cell],
        variable: str,
        language: str,
        limits: Limits,
        start: Start | None,
        files: Sequence[tuple[str, bytes]] = (),
        *,
        processes: bool = False,
    ) -> None:
        """Nothing is started yet.

        Args:
            cells: what to run, in order.
            variable: the name of the variable that holds the app after the cells have run.
            language: of the sentences that the process writes.
            limits: what may be used up.
            start: as for `Confined`.
            files: what lies beside the notebook, by its path from there.
            processes: whether the app is served by several processes, with a broker: `wslab.labs.venue.Processes`.
        """
        self.notes: list[Text] = []
        self._cells = cells
        self._variable = variable
        self._language = language
        self._limits = limits
        self._start = start
        self._files = [[path, base64.b64encode(data).decode()] for path, data in files]
        self._processes = processes
        self._skip: set[int] = set()
        self._errors: dict[int, Text] = {}
        self._process: Confined | None = None
        self._closed = False
        # A start goes on in its thread after the coroutine that awaits it was cancelled.
        self._closing = threading.Lock()
        self._served = -1  # which start of the app is served; -1 for none
        self._raised: list[Raised] = []
        self._heard = 0  # how many of these the running process has reported
        self._passed = 0  # lines that were not run

    @property
    def address(self) -> Address:
        assert self._process is not None
        return self._process.addresses[max(0, self._served)]

    @property
    def addresses(self) -> Sequence[Address]:
        """Where each process is reached; the only one, where there are not several."""
        assert self._process is not None
        return self._process.addresses[:PROCESSES] if self._processes else (self.address,)

    # Starting

    async def start(self) -> None:
        """Run the cells and have the app served.

        Raises:
            NotServed: there is no server, and the reason.
        """
        for _ in range(_REPLAYS + 1):
            killer = await asyncio.to_thread(self._launch)
            if killer is None:
                return
            self._skip.add(killer)
        raise NotServed(general.DOES_NOT_START, _SILENT)

    def _launch(self) -> int | None:
        """Start a process; return the number of the cell that kept it from serving, None if it serves.

        If the venue is closed meanwhile, the process is ended and the result has no meaning.
        """
        self._end()
        process = Confined(self._limits, self._start)
        with self._closing:
            closed = self._closed
            self._process = None if closed else process
        if closed:
            process.kill()
            return None
        self._served, self._heard = -1, 0
        process.channel.send(
            {
                "language": self._language,
                "cells": [[cell.name, cell.source] for cell in self._cells],
                "skip": sorted(self._skip),
                "variable": self._variable,
                "processes": self._processes,
                "seconds": _CELL,
                "folder": process.folder,
                "files": self._files,
                "commands": process.runs_commands,
            },
            _STARTING + _CELL,  # a new interpreter reads it once it has imported what it needs
        )
        running: int | None = None
        begun = time.monotonic()
        left = _STARTING + _CELL + _LET_GO
        while True:
            until = time.monotonic() + left
            try:
                said = process.channel.receive(left)
            except EOFError:
                said, until = None, time.monotonic()
            if self._closed:
                return None
            match said:
                case {"begins": int(number)} if self._next(running) == number:
                    running, left, begun = number, _CELL + _LET_GO, time.monotonic()
                case {"failed": int(number), "error": error} if number == running:
                    # The child interrupts a cell after that time, as the ■ button does.
                    at_the_limit = time.monotonic() - begun > 0.9 * _CELL
                    too_long = at_the_limit and plain(error).startswith("KeyboardInterrupt")
                    why = filled(_TOO_LONG if too_long else _STOPPED, **self._about(number), error=plain(error))
                    self._note(why)
                    self._errors[number] = why
                case {"passed": int(number), "line": line} if number == running and self._passed < _MOST_PASSED:
                    self._passed += 1
                    self._note(_PASSED_OVER, cell=self._cells[number].name, line=plain(line, 80).replace("`", "'"))
                case {"served": True}:
                    self._served = 0
                    return None
                case {"absent": True}:
                    raise self._without_app()
                case {"wrong": sentence}:
                    raise NotServed(general.WRONG_APP, _said(sentence))
                case {"unstarted": sentence}:
                    raise NotServed(general.DOES_NOT_START, _said(sentence))
                case {"unserved": str(fault), "observed": dict(observed)}:
                    raise _not_served(fault, observed)
                case None:
                    return self._blame(process, running, ended=time.monotonic() < until or process.ended)
                case _:
                    left = until - time.monotonic()

    def _next(self, running: int | None) -> int:
        after = -1 if running is None else running
        return next((n for n in range(after + 1, len(self._cells)) if n not in self._skip), -1)

    def _blame(self, process: Confined, running: int | None, *, ended: bool) -> int:
        if process.too_much_memory:
            self._note(_MEMORY, size=self._limits.memory >> 20)
        if running is None:
            raise NotServed(general.DOES_NOT_START, _SILENT)
        why = filled(_ENDED_IT if ended else _RUNS_ON, **self._about(running))
        self._note(why)
        self._errors[running] = why
        return running

    def _about(self, number: int) -> dict[str, object]:
        return {"cell": self._cells[number].name, "seconds": _CELL}

    def _without_app(self) -> NotServed:
        for number in sorted(self._errors, reverse=True):
            if self._variable in self._cells[number].source:
                return NotServed(general.CELL_FAILED, self._errors[number])
        return NotServed(general.NO_APP, filled(_NO_NAME, name=self._variable))

    def _note(self, text: Text, **values: object) -> None:
        note = filled(text, **values)
        if note not in self.notes:
            self.notes.append(note)

    # What a stage needs

    @property
    def alone(self) -> bool:
        return True

    def begin(self, check: str) -> None:
        """Nothing: no bytes are recorded here."""

    def end(self) -> None:
        """Nothing."""

    def mark(self) -> Mark:
        self._hear()
        return 0, len(self._raised)

    def raised(self, since: Mark) -> tuple[Raised, ...]:
        self._hear()
        return tuple(self._raised[since[1] :])

    def blocking_line(self) -> str:
        match self._ask("blocking line"):
            case {"line": place}:
                return plain(place, 80)
        return ""

    @property
    def cell_error(self) -> Text | str:
        last = max(
            (number for number, cell in enumerate(self._cells) if makes(self._variable, cell.source)), default=-1
        )
        return self._errors.get(last, "")

    async def turned(self, within: float) -> None:
        if (process := self._process) is not None:
            await asyncio.to_thread(process.channel.ask_for_a_turn, within)

    def watch(self) -> None:
        self._ask("watch")

    def watched(self) -> Watched:
        match self._ask("watched"):
            case {"caught": list(caught), "tasks": list(tasks)}:
                return Watched(tuple(_all_raised(caught)), tuple(_all_tasks(tasks)))
        return Watched()

    async def stop(self) -> tuple[TaskSeen, ...]:
        match await asyncio.to_thread(self._ask, "stop", _STOPPING):
            case {"tasks": list(tasks)}:
                return tuple(_all_tasks(tasks))
        return ()

    async def restart(self) -> None:
        """As `Venue.restart()`: in the same process while it obeys, so that the app keeps its state; else in a new
        one, after the old process tree has ended.

        Raises:
            NotServed: there is no server.
        """
        if self._process is not None and (self._processes or self._served + 1 < len(self._process.addresses)):
            self._hear()
            said = await asyncio.to_thread(self._ask, "restart", _STARTING)
            if said is not None and said.get("served") is True:
                self._served += not self._processes
                return
        await self.start()

    # Where there are several processes: `wslab.labs.venue.Processes`

    async def kill_process(self, number: int) -> None:
        """End a process at once, as `kill -9` does."""
        await asyncio.to_thread(self._ask, "kill process", process=number)

    async def start_process(self, number: int) -> None:
        """Start a process in the place of one that has ended.

        Raises:
            NotServed: it does not start.
        """
        said = await asyncio.to_thread(self._ask, "start process", _STARTING, process=number)
        if said is None or said.get("served") is not True:
            raise NotServed(general.DOES_NOT_START, _said((said or {}).get("unstarted")))

    async def stop_process(self, number: int) -> tuple[TaskSeen, ...]:
        """Shut a process down; return the app's own tasks that were still running after that."""
        match await asyncio.to_thread(self._ask, "stop process", _STOPPING, process=number):
            case {"tasks": list(tasks)}:
                return tuple(_all_tasks(tasks))
        return ()

    async def kill_broker(self) -> None:
        """End the broker at once; what it held is lost."""
        await asyncio.to_thread(self._ask, "kill broker")

    async def start_broker(self) -> None:
        """Start it again, empty, at the same address."""
        await asyncio.to_thread(self._ask, "start broker", _STARTING)

    # Untrusted reports

    def _hear(self) -> None:
        """Ask what was raised since the last time."""
        match self._ask("raised", after=self._heard):
            case {"total": int(total), "raised": list(told)} if total >= self._heard:
                self._heard = total
                new = _all_raised(told[-_MOST_RAISED:])
                self._raised += itertools.islice(new, _MOST_RAISED - len(self._raised))

    def _ask(self, what: str, within: float = 0.0, **more: Any) -> dict[str, Any] | None:
        """As `Channel.ask()`; None also where no process runs."""
        process = self._process
        return None if process is None else process.channel.ask(what, within, **more)

    def close(self) -> None:
        """End the process tree, also one that is just being started; none is started again."""
        with self._closing:
            self._closed = True
        self._end()

    def _end(self) -> None:
        with self._closing:
            process, self._process = self._process, None
        if process is not None:
            if process.too_much_memory:
                self._note(_MEMORY, size=self._limits.memory >> 20)
            if process.channel.cut:
                self._note(_CUT)
            process.kill()


def _all_raised(told: Sequence[object]) -> Iterator[Raised]:
    for one in told:
        match one:
            case [str(name), str(text), str(place), bool(warning)]:
                yield Raised(plain(name, 80), plain(text), plain(place, 80), warning)


def _all_tasks(told: Sequence[object]) -> Iterator[TaskSeen]:
    for one in told[:_MOST_RAISED]:
        match one:
            case [str(name), str(state), str(place), str(text)] if state in get_args(State):
                yield TaskSeen(plain(name, 80), cast(State, state), plain(place, 80), plain(text))


def _not_served(fault: str, observed: dict[object, object]) -> NotServed:
    """What to raise where the submission's process says why it does not serve, in several languages."""
    spoken = {language: plain(observed.get(language), 1000) for language in LANGUAGES}
    known = next((one for one in general.GENERAL if one.id == fault), general.DOES_NOT_START)
    return NotServed(known, Filled(**spoken))


def _said(sentence: object) -> Text:
    return verbatim(plain(sentence, 1000))
