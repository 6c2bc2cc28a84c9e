"""The film of a server's processes, as it arrives in this one: parcel by parcel, a reel for each process."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wslab.language import Text
from wslab.recording.footage import THRESHOLD_NS, Footage, LaneNotes, Sample
from wslab.recording.hook import RecordingError
from wslab.recording.tape import RING
from wslab.recording.trace import Place
from wslab.serving import ProcessServer

_CAMERA = "wslab.recording.camera:Camera"
_MOST_REELS = 64
_MOST_NOTES = 4_096
_DEADLINE = 5.0
"""Seconds that a process has to begin, or to send the last of its film."""

_STOPPED = Text(
    en="This server has been stopped, so none of its processes runs. Start it with serve(…), then record(server).",
    tr="Bu sunucu durdurulmuş, hiçbir süreci çalışmıyor. serve(…) ile başlatın, sonra record(server) deyin.",
)
_SILENT = Text(
    en="No process of this server has begun to film within {deadline:g} s: each is held by a line of the app.",
    tr="Bu sunucunun hiçbir süreci {deadline:g} saniyede kaydetmeye başlamadı: her birini uygulamanın bir satırı "
    "tutuyor.",
)


def _place(row: list[Any] | None) -> Place | None:
    return None if row is None else Place(*row)


def _notes(row: list[Any]) -> LaneNotes:
    notes = LaneNotes(*row)
    return replace(notes, client=(notes.client[0], notes.client[1])) if notes.client else notes


class _Reel:
    """What has arrived of one process's film; bounded like a tape."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.began = 0
        self.until = 0
        self.whole = False  # the last parcel is here
        self.killed = False
        self.fault = ""
        self.standing: dict[int, int] = {}
        self._steps: deque[tuple[int, int, int, int]] = deque(maxlen=RING)
        self._idles: deque[tuple[int, int]] = deque(maxlen=RING)
        self._lanes: dict[int, LaneNotes] = {}
        self._stands: list[Place | None] = []
        self._samples: deque[Sample] = deque(maxlen=_MOST_NOTES)
        self._lates: deque[tuple[int, int, int]] = deque(maxlen=_MOST_NOTES)
        self._unawaited: deque[tuple[int, int, str, Place | None]] = deque(maxlen=_MOST_NOTES)
        self._running: tuple[int, int] | None = None
        self._idle_since = 0
        self._idle_known = True
        self._lost = [0] * 6

    @property
    def over(self) -> bool:
        """Whether nothing more comes."""
        return self.whole or self.killed or bool(self.fault)

    def add(self, parcel: dict[str, Any]) -> None:
        """A parcel has arrived."""
        if "began" in parcel:
            self.began = self.until = parcel["began"]
            self.standing = dict(parcel["standing"])
            return
        self.fault = parcel["fault"]
        if "until" not in parcel:
            return
        steps, idles = list(zip(*parcel["steps"], strict=True)), list(zip(*parcel["idles"], strict=True))
        self._lost[0] += max(0, len(self._steps) + len(steps) - RING)
        self._lost[1] += max(0, len(self._idles) + len(idles) - RING)
        self._steps.extend(steps)
        self._idles.extend(idles)
        self._lanes.update((row[0], _notes(row)) for row in parcel["lanes"])
        self._stands += [_place(row) for row in parcel["stands"]]
        for at, stand, calling in parcel["samples"]:
            if (place := _place(stand)) is not None:
                self._samples.append(Sample(at, place, _place(calling)))
        self._lates.extend((who, due, ran) for who, due, ran in parcel["lates"])
        self._unawaited.extend((who, at, name, _place(stand)) for who, at, name, stand in parcel["unawaited"])
        self._running = tuple(parcel["running"]) if parcel["running"] else None
        self._idle_since, self._idle_known = parcel["idle_since"], parcel["idle_known"]
        self._lost = [before + now for before, now in zip(self._lost, parcel["lost"], strict=True)]
        self.until = parcel["until"]
        self.whole = parcel["last"]

    def cut(self, name: str, start: int, end: int) -> Footage:
        """A copy, as a tape gives it; a process whose film has not arrived up to `end` ends where it has."""
        steps = list(self._steps)
        lost_steps, lost_idles, lost_lanes, lost_places, lost_lates, lost_unawaited = self._lost
        start, end = max(start, self.began), end if self.whole else min(end, self.until)
        idles = [(begin, min(finish, end)) for begin, finish in self._idles if begin < end]
        return Footage(
            loop=name,
            start=start,
            end=end,
            starts=[step[0] for step in steps],
            ends=[min(step[1], end) if step[0] <= end else step[1] for step in steps],
            whos=[step[2] for step in steps],
            places=[step[3] for step in steps],
            idle_starts=[idle[0] for idle in idles],
            idle_ends=[idle[1] for idle in idles],
            lanes=dict(self._lanes),
            stands=tuple(self._stands),
            samples=tuple(sample for sample in self._samples if sample.at >= start),
            lates=tuple(late for late in self._lates if start <= late[2] <= end),
            unawaited=tuple(one for one in self._unawaited if start <= one[1] <= end),
            running=self._running,
            idle_since=self._idle_since,
            idle_known=self._idle_known,
            threshold=THRESHOLD_NS,
            lost_steps=lost_steps if not steps or steps[0][1] > start else 0,
            lost_idles=lost_idles if not idles or idles[0][1] > start else 0,
            lost_lanes=lost_lanes,
            lost_places=lost_places,
            lost_lates=lost_lates,
            lost_unawaited=lost_unawaited,
            fault=self.fault,
            process=self.pid,
            over=self.killed,
        )


class Crew:
    """Films every process of a server, also those that start later."""

    def __init__(self, server: ProcessServer) -> None:
        self.server = server
        self._reels: dict[int, _Reel] = {}
        self._lock = threading.Condition()

    def start(self) -> None:
        """Begin, and return once the server's processes have begun; one that is held by its app is not waited for.

        Raises:
            RecordingError: no process runs, or none can be filmed.
        """
        pids = self.server.pids
        if not pids:
            raise RecordingError(_STOPPED)
        self._attachment = self.server.attach(_CAMERA, self._noted, self._gone)
        try:
            with self._lock:
                self._lock.wait_for(lambda: all(self._has_begun(pid) for pid in pids), _DEADLINE)
                faults = [reel.fault for reel in self._reels.values() if reel.fault]
                begun = any(reel.began for reel in self._reels.values())
            if faults or not begun:
                raise RecordingError(faults[0] if faults else _SILENT.format(deadline=_DEADLINE))
        except BaseException:  # also the ■ button
            self.server.detach(self._attachment)
            self.server.forget(self._attachment)
            raise

    def _has_begun(self, pid: int) -> bool:
        reel = self._reels.get(pid)
        return reel is not None and (reel.began > 0 or reel.over)

    def settle(self) -> None:
        """Let every process send the last of its film; what a held one has sent before is kept."""
        self.server.detach(self._attachment)
        with self._lock:
            self._lock.wait_for(lambda: all(reel.over for reel in self._reels.values()), _DEADLINE)
        self.server.forget(self._attachment)

    def footages(self, start: int, end: int) -> tuple[list[Footage], list[Mapping[int, int]]]:
        """The film of each process that there is between two moments, and where its tasks stood when it began."""
        with self._lock:
            reels = [reel for reel in self._reels.values() if reel.began and reel.began < end]
            reels = [reel for reel in reels if not reel.killed or reel.until > start]
            names = [f"{self.server.name} · {reel.pid}" for reel in reels]
            cut = [reel.cut(name, start, end) for reel, name in zip(reels, names, strict=True)]
            return cut, [reel.standing for reel in reels]

    def _noted(self, pid: int, parcel: dict[str, Any]) -> None:
        with self._lock:
            reel = self._reels.get(pid)
            if reel is None or reel.killed:
                if len(self._reels) >= _MOST_REELS:
                    return
                reel = self._reels[pid] = _Reel(pid)
            reel.add(parcel)
            self._lock.notify_all()

    def _gone(self, pid: int) -> None:
        with self._lock:
            if pid not in self._reels and len(self._reels) >= _MOST_REELS:
                return
            reel = self._reels.setdefault(pid, _Reel(pid))
            reel.killed = not reel.whole
            reel.until = reel.until or time.perf_counter_ns()
            self._lock.notify_all()
