"""What a server's app printed, warned and raised, and the ASGI messages that went in and out, in order."""

from __future__ import annotations

import asyncio
import html
import itertools
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, overload

from wslab.language import Text, decimal
from wslab.picture import stylesheet, table

Kind = Literal["print", "warning", "error", "log", "asgi"]

_HEAD = (
    Text(en="seconds", tr="saniye"),
    Text(en="process", tr="süreç"),
    Text(en="connection", tr="bağlantı"),
    Text(en="what", tr="ne"),
    Text(en="text", tr="metin"),
    Text(en="where", tr="nerede"),
)
_KINDS = {
    "print": Text(en="printed", tr="yazdırdı"),
    "warning": Text(en="warning", tr="uyarı"),
    "error": Text(en="error", tr="hata"),
    "log": Text(en="logged", tr="günlük"),
    "asgi": Text(en="ASGI", tr="ASGI"),
}
_EMPTY = Text(
    en="The server has printed, warned and raised nothing.",
    tr="Sunucu hiçbir şey yazdırmadı, uyarmadı, istisna fırlatmadı.",
)
_DROPPED = Text(en="{count} older entries were dropped.", tr="Daha eski {count} kayıt atıldı.")
# What colours a text in a terminal or moves its cursor (ECMA-48, “control sequences”), as loguru, rich and tqdm write
# it; and every other control character but a tab and a line's end.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")
_WHOLE = Text(en="the whole traceback", tr="hata izinin tamamı")


def _as_in_a_terminal(text: str) -> str:
    """The text as a terminal shows it in the end: a carriage return begins its line anew, as a progress bar does."""
    lines = [line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n")]
    shown = _CONTROL.sub("", "\n".join(lines))
    return shown.encode(errors="backslashreplace").decode()  # a kernel can't send half a character to its front end


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened in a server.

    Attributes:
        time_ns: nanoseconds since the server started.
        kind: `print`, `warning`, `error` (an exception or a logged error), `log`, or `asgi` (a message of the
            ASGI specification that passed between uvicorn and the app).
        text: the printed line, the warning, the exception's last line, or the ASGI message's type.
        connection: `#3 /ws` for the third scope that this server handled, empty outside any connection.
        place: the reader's own line that did it, `In[2] line 25`; empty where it was not the reader's code.
        detail: the text of an ASGI message, or the traceback folded to the reader's own lines.
        traceback: the whole traceback of an exception.
        caught: whether the app's own code has caught and logged it: then it has ended nothing.
        process: the process in which it happened, by its number in the operating system; 0 in a server that is a
            thread of this very process.
    """

    time_ns: int
    kind: Kind
    text: str
    connection: str = ""
    place: str = ""
    detail: str = ""
    traceback: str = ""
    caught: bool = False
    process: int = 0

    @property
    def seconds(self) -> float:
        """Seconds since the server started."""
        return self.time_ns / 1e9


class Log:
    """The entries of one server, oldest first; bounded, so a server that prints for ever fills no memory."""

    def __init__(self, bound: int = 20_000) -> None:
        self._entries: deque[Entry] = deque(maxlen=bound)
        self._changed = threading.Condition()
        self._started_ns = time.perf_counter_ns()
        self.dropped = 0
        self._added = 0

    def add(
        self,
        kind: Kind,
        text: str,
        *,
        connection: str = "",
        place: str = "",
        detail: str = "",
        traceback: str = "",
        caught: bool = False,
    ) -> None:
        """Append an entry, stamped with the current time; may be called from any thread."""
        time_ns = time.perf_counter_ns() - self._started_ns
        self._append(Entry(time_ns, kind, text, connection, place, detail, traceback, caught))

    def add_of_process(
        self,
        process: int,
        clock_ns: int,
        kind: Kind,
        text: str,
        connection: str = "",
        place: str = "",
        detail: str = "",
        traceback: str = "",
        caught: bool = False,
    ) -> None:
        """Append what happened in another process of this machine.

        Args:
            process: its number in the operating system.
            clock_ns: when, by `time.perf_counter_ns()`, which is one clock for every process of a machine.
            kind, text, connection, place, detail, traceback, caught: those of the entry.
        """
        time_ns = clock_ns - self._started_ns
        self._append(Entry(time_ns, kind, text, connection, place, detail, traceback, caught, process))

    def _append(self, entry: Entry) -> None:
        with self._changed:
            if len(self._entries) == self._entries.maxlen:
                self.dropped += 1
            self._entries.append(entry)
            self._added += 1
            self._changed.notify_all()

    @property
    def events(self) -> tuple[Entry, ...]:
        """Every entry, the ASGI messages among them."""
        with self._changed:
            entries = tuple(self._entries)
        # What two processes report arrives in another order than it happened.
        return tuple(sorted(entries, key=lambda entry: entry.time_ns))

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What the app printed, warned, logged and raised: every entry but the ASGI messages."""
        return tuple(entry for entry in self.events if entry.kind != "asgi")

    @property
    def prints(self) -> tuple[Entry, ...]:
        """The lines that were printed."""
        return tuple(entry for entry in self.events if entry.kind == "print")

    @property
    def warnings(self) -> tuple[Entry, ...]:
        """The warnings, “coroutine … was never awaited” among them."""
        return tuple(entry for entry in self.events if entry.kind == "warning")

    @property
    def errors(self) -> tuple[Entry, ...]:
        """The exceptions that the app did not catch, and what was logged as an error."""
        return tuple(entry for entry in self.events if entry.kind == "error")

    def errors_since(self, clock_ns: int, deadline: float = 0) -> tuple[Entry, ...]:
        """The errors after a moment of `time.perf_counter_ns()`; where there is none yet, the next one is waited for.

        Args:
            clock_ns: the moment.
            deadline: seconds to wait at most.
        """

        def found() -> tuple[Entry, ...]:
            return tuple(
                one for one in self._entries if one.kind == "error" and self._started_ns + one.time_ns > clock_ns
            )

        with self._changed:
            return self._changed.wait_for(found, deadline) or ()

    def clear(self) -> None:
        """Forget every entry so far."""
        with self._changed:
            self._entries.clear()
            self.dropped = 0

    def begin_anew(self) -> None:
        """Forget every entry, and count the time from now: the server starts once more."""
        self.clear()
        self._started_ns = time.perf_counter_ns()

    def wait_for(self, match: str | Callable[[Entry], bool], deadline: float = 2.0) -> Entry:
        """Block until an entry matches (one that is already there counts) and return it.

        Use `arrival` in a coroutine: this call holds up the loop of the thread that makes it.

        Args:
            match: a part of the entry's text, or a function that says whether an entry is the one.
            deadline: seconds to wait at most.

        Raises:
            TimeoutError: nothing matched in time; the message holds the last entries.
        """
        fits: Callable[[Entry], bool] = (lambda entry: match in entry.text) if isinstance(match, str) else match
        seen = 0

        def first() -> Entry | None:
            # Each entry is looked at once, also while a flood of them arrives.
            nonlocal seen
            start, seen = max(0, seen - (self._added - len(self._entries))), self._added
            return next((entry for entry in itertools.islice(self._entries, start, None) if fits(entry)), None)

        with self._changed:
            found = self._changed.wait_for(first, deadline)
            if found is None:
                last = [f"{entry.kind}: {entry.text}" for entry in list(self._entries)[-6:]]
                raise TimeoutError(f"nothing matched {match!r} within {deadline} s; the last entries: {last}")
            return found

    async def arrival(self, match: str | Callable[[Entry], bool], deadline: float = 2.0) -> Entry:
        """Like `wait_for`, for a coroutine: the loop goes on meanwhile."""
        return await asyncio.to_thread(self.wait_for, match, deadline)

    def __len__(self) -> int:
        return len(self.entries)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    @overload
    def __getitem__(self, index: int) -> Entry: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Entry, ...]: ...
    def __getitem__(self, index: int | slice) -> Entry | tuple[Entry, ...]:
        return self.entries[index]

    def _rows(self) -> list[tuple[str, str, str, str, str, str]]:
        return [
            (
                decimal(entry.seconds, digits=3),
                str(entry.process or ""),
                entry.connection,
                str(_KINDS[entry.kind]),
                _as_in_a_terminal(f"{entry.text}\n{entry.detail}" if entry.detail else entry.text),
                entry.place,
            )
            for entry in self.entries
        ]

    def __repr__(self) -> str:
        rows = self._rows()
        if not rows:
            return str(_EMPTY)
        lines = [_DROPPED.format(count=self.dropped)] if self.dropped else []
        widest = max(len(process) for _, process, *_ in rows)
        for seconds, process, connection, what, text, place in rows:
            where = f"  [{place}]" if place else ""
            first, *rest = text.split("\n")
            whose = f"  {process:>{widest}}" if widest else ""
            lines.append(f"{seconds:>9}{whose}  {connection:<12} {what:<9} {first}{where}")
            lines += [" " * 12 + line for line in rest]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        rows = self._rows()
        if not rows:
            return f'<div class="wslab"><style>{stylesheet()}</style>{_EMPTY}</div>'
        dropped = f"<p>{_DROPPED.format(count=self.dropped)}</p>" if self.dropped else ""
        of_processes = any(process for _, process, *_ in rows)
        head, *cells = [
            row if of_processes else (row[0], *row[2:]) for row in (tuple(str(name) for name in _HEAD), *rows)
        ]
        whole = "".join(
            f"<details><summary>{html.escape(_as_in_a_terminal(entry.text))}: {_WHOLE}</summary>"
            f"<pre>{html.escape(_as_in_a_terminal(entry.traceback))}</pre></details>"
            for entry in self.entries
            if entry.traceback
        )
        return (
            f'<div class="wslab wslab-log"><style>{stylesheet()}.wslab-log td{{white-space:pre-wrap}}</style>'
            f"{dropped}{table(head, cells)}{whole}</div>"
        )
