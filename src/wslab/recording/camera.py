"""A film in another process: what runs in each process of a server films its loop, and sends the film as it grows.

The times need no conversion: `time.perf_counter_ns()` is one clock for all processes of a machine (CLOCK_MONOTONIC on
Linux, mach_absolute_time on macOS, QueryPerformanceCounter on Windows; documentation of `time`).
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from wslab.recording import hook
from wslab.recording.footage import Footage
from wslab.recording.places import Stand, describe
from wslab.recording.tape import BEGINNING
from wslab.recording.trace import Place

PERIOD = 0.1
"""Seconds between two parcels; so much of the film is lost with a process that is killed."""

_log = logging.getLogger("wslab.recording")


class Camera:
    """Films the loop of this process until `finish()`; an instrument of `ProcessServer.attach()`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, send: Callable[[dict[str, Any]], None]) -> None:
        """Begin to film.

        Args:
            loop: of this process.
            send: what takes each parcel to the kernel: the first has `began` or, where nothing can be filmed, `fault`.
        """
        self._send = send
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._whole = False
        self._known: dict[int, str] = {}
        self._stands = 0
        started = time.perf_counter_ns()
        try:
            hook.self_test()
            hook.settle_if_filmed(loop)
            self._tape = hook.attach(loop, "", started=started)
        except hook.RecordingError as error:
            send({"fault": str(error)})
            self._over.set()
            return
        fresh = self._tape.started >= started
        self._position = BEGINNING if fresh else self._tape.position()
        self._seen = started
        send({"began": started, "standing": [] if fresh else list(self._tape.standing().items())})
        threading.Thread(target=self._ship, name="wslab camera", daemon=True).start()

    def finish(self) -> None:
        """Send the last parcel, and film no longer."""
        if self._over.is_set():
            return
        self._over.set()
        hook.settle(self._tape)
        self._parcel(last=True)
        hook.detach(self._tape)

    def _ship(self) -> None:
        while not self._over.wait(PERIOD):
            try:
                self._parcel(last=False)
            except Exception:
                _log.exception("a film could not be sent on")
                return

    def _parcel(self, *, last: bool) -> None:
        with self._lock:
            if not self._whole:
                self._whole = last
                self._send_parcel()

    def _send_parcel(self) -> None:
        position, now = self._tape.position(), time.perf_counter_ns()
        footage = self._tape.cut(self._position, self._seen, now, self._known, position)
        parcel = packed(footage, self._stands)
        self._position, self._seen, self._stands = position, now, len(footage.stands)
        self._known.update((one.number, one.ending) for one in footage.lanes.values())
        self._send(parcel | {"last": self._whole})


def packed(footage: Footage, stands: int) -> dict[str, Any]:
    """A parcel as JSON can hold it.

    Args:
        footage: since the parcel before.
        stands: how many of the places have been sent.
    """
    return {
        "steps": [list(row) for row in (footage.starts, footage.ends, footage.whos, footage.places)],
        "idles": [list(row) for row in (footage.idle_starts, footage.idle_ends)],
        "lanes": [dataclasses.astuple(one) for one in footage.lanes.values()],
        "stands": [_row(stand) for stand in footage.stands[stands:]],
        "samples": [[one.at, _row(one.stand), _row(one.calling)] for one in footage.samples if one.at < footage.end],
        "lates": list(footage.lates),
        "unawaited": [[who, at, name, _row(stand)] for who, at, name, stand in footage.unawaited],
        "running": footage.running,
        "idle_since": footage.idle_since,
        "idle_known": footage.idle_known,
        "until": footage.end,
        "lost": [
            footage.lost_steps,
            footage.lost_idles,
            footage.lost_lanes,
            footage.lost_places,
            footage.lost_lates,
            footage.lost_unawaited,
        ],
        "fault": footage.fault,
    }


def _row(stand: Stand | Place | None) -> list[Any] | None:
    if stand is None:
        return None
    return list(dataclasses.astuple(stand if isinstance(stand, Place) else describe(stand)))
