"""The tape of one loop: a ring of raw integers that the loop's own thread writes, step by step.

All of the recorder's cost is here, so the hot path is one closure over local names that stores four integers a
step. Everything else (text of lines, names of lanes, dataclasses) is made when somebody looks.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import time
import weakref
from array import array
from asyncio.events import TimerHandle
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from types import BuiltinMethodType, CodeType, CoroutineType, FrameType, GeneratorType
from typing import Any

from wslab.recording import naming, places
from wslab.recording.footage import CROWD, INTERNAL, KIT, THRESHOLD_NS, Footage, Sample
from wslab.recording.places import HANDLE_RUN_CODE, WRAPPERS, Stand, blocking_lines, running_line
from wslab.recording.tracked import Tracked, nothing
from wslab.source import is_kit_code, is_user_code

RING = 50_000
"""Steps that are kept; a longer film keeps its last ones."""
LATE_S = 0.02

_MOST_LANES = 4_096
_MOST_PLACES = 4_096
_MOST_NOTES = 4_096  # late timers, thrown-away coroutines and samples, each
_log = logging.getLogger("wslab.recording")
clock = time.perf_counter_ns


_TASK_NAMES = ("_PyTask", "_CTask")
# Both kinds, since nest_asyncio rebinds `asyncio.Task` while tasks of the other kind live on.
TASKS: tuple[type, ...] = tuple({asyncio.Task, *(getattr(asyncio.tasks, name, asyncio.Task) for name in _TASK_NAMES)})

BEGINNING = (0, 0, 0, 0, 0, 0)
"""The position of a tape on which nothing has been written."""


def _age(task: Any) -> tuple[int, str]:
    """Sorts tasks by their birth, as far as their automatic names tell it (`Task-12`): a set has no order."""
    name = str(task.get_name())
    digits = name.removeprefix("Task-")
    return (int(digits) if digits.isdecimal() else 0, name)


class _Now:
    """What the loop does at this moment, for the watchdog and for films that begin or are cut now.

    Attributes:
        since: when the code that runs got hold of the loop (ns); 0 while none runs.
        holder: which task or callback holds it, or held it last.
        steps: how many steps have been written.
        idle_since: when the loop began to wait in its selector (ns); 0 while it does not.
        idles: how many idle times have been written.
        partial: whether the film began in the middle of the step that runs.
    """

    __slots__ = ("holder", "idle_since", "idles", "partial", "since", "steps")

    def __init__(self) -> None:
        self.since = self.steps = self.idle_since = self.idles = 0
        self.holder: Tracked | None = None
        self.partial = False


class Tape:
    """What one loop did lately, in a ring; written by the loop's thread alone, read from any other.

    Args:
        loop: the loop to film; `hook.attach` connects the two.
        name: what it is called in pictures.
        size: how many steps, and how many idle stretches, the ring holds.
        on_fault: called once when the recorder itself fails; must disconnect the tape.
        hide_kit: whether this kit's own tasks stay unseen.
        started: when filming begins (`perf_counter_ns`), now if not given.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        name: str,
        size: int,
        on_fault: Callable[[Tape], None],
        hide_kit: bool = True,
        started: int = 0,
    ) -> None:
        self.loop = loop
        self.name = name
        self.size = size
        self.threshold = THRESHOLD_NS
        self.started = started or clock()
        self.thread: int | None = None
        self.fault = ""
        self.idle_known = False
        self.unwatch: Callable[[], None] = nothing
        self._on_fault = on_fault
        self._hide_kit = hide_kit
        # Ring buffers. A step takes four items: start, end, number of the tracked task, number of the place. It is a
        # list, because setting an item of a list takes a third of the time of an array's. An idle time takes two items
        # of an array, which keeps no integer objects alive. A step takes 112 bytes at most.
        self.steps = [0] * (4 * size)
        self.idles = array("q", bytes(16 * size))
        self.now = _Now()
        # By the id of the task or transport; a weak reference takes the entry away before the id is used again.
        self.by_owner: dict[int, Tracked] = {}
        self._refs: dict[int, Any] = {}
        self.by_number: dict[int, Tracked] = {}
        self._callbacks: dict[CodeType, Tracked] = {}
        self.internal = self._add(INTERNAL, "internal")
        self.crowd = self._add(CROWD, "internal")
        self.kit = Tracked(KIT, "kit", self.started)
        self._next = CROWD + 1
        self._forget_again = 0
        self._stands: list[Stand | None] = [None]
        self._stand_ids: dict[Stand, int] = {}
        self.samples: deque[Sample] = deque(maxlen=_MOST_NOTES)
        self.lates: deque[tuple[int, int, int]] = deque(maxlen=_MOST_NOTES)
        self.unawaited: deque[tuple[int, int, str, Stand | None]] = deque(maxlen=_MOST_NOTES)
        self.all_lates = self.all_unawaited = 0
        self.lost_lanes = self.lost_places = 0
        self.roll = self._make_roll()

    # -- tasks and callbacks ------------------------------------------------------------------------------------

    def _add(self, number: int, kind: str) -> Tracked:
        tracked = self.by_number[number] = Tracked(number, kind, self.started)
        return tracked

    def _new(self, kind: str) -> Tracked | None:
        if len(self.by_number) >= _MOST_LANES and self.now.steps >= self._forget_again:
            self._forget_ended()
        if len(self.by_number) >= _MOST_LANES:
            self.lost_lanes += 1
            return None
        tracked = self._add(self._next, kind)
        tracked.born = clock()
        self._next += 1
        return tracked

    def _forget_ended(self) -> None:
        # The walk over all of them is expensive, so it is not repeated for every new task.
        self._forget_again = self.now.steps + min(self.size, 1_000)
        oldest = self.now.steps - self.size
        for number, tracked in list(self.by_number.items()):
            if tracked.ending and tracked.last < oldest:
                del self.by_number[number]

    def _sort_out(self, owner: Any, callback: Any) -> Tracked:
        """What is known of a callback that is not in `by_owner`."""
        if isinstance(owner, TASKS):
            return self.meet(owner)
        if callback.__class__ is BuiltinMethodType:
            return self.internal
        code = naming.callback_code(callback)
        if code is None or not is_user_code(code.co_filename):
            if isinstance(owner, asyncio.BaseTransport | asyncio.AbstractEventLoop):
                self._keep(owner, self.internal)
            return self.kit if code is not None and is_kit_code(code.co_filename) else self.internal
        tracked = self._callbacks.get(code)
        if tracked is None:
            tracked = self._new("callback")
            if tracked is None:
                return self.crowd
            tracked.user = True
            tracked.qualname, tracked.filename = code.co_qualname, code.co_filename
            self._callbacks[code] = tracked
        return tracked

    def _keep(self, owner: Any, tracked: Tracked) -> None:
        key = id(owner)
        by_owner, refs = self.by_owner, self._refs

        def gone(_: object) -> None:
            if by_owner.get(key) is tracked:
                del by_owner[key], refs[key]
            if tracked.kind == "task" and not tracked.ending:
                tracked.ending, tracked.ended = "destroyed", clock()
                tracked.let_go_of_scope()

        try:
            ref = weakref.ref(owner, gone)
        except TypeError:
            return
        if tracked.kind == "task":
            tracked.ref = ref
        refs[key] = ref
        by_owner[key] = tracked

    def meet(self, task: Any, origin: str = "") -> Tracked:
        """Begin to track a task, before its first step or in the middle of its life."""
        coroutine = task.get_coro()
        code = getattr(coroutine, "cr_code", None)
        if self._hide_kit and code is not None and is_kit_code(code.co_filename):
            self._keep(task, self.kit)
            return self.kit
        tracked = self._new("task")
        if tracked is None:
            self._keep(task, self.crowd)
            return self.crowd
        self._keep(task, tracked)
        tracked.explicit, tracked.qualname = naming.task_names(task, coroutine)
        tracked.filename = code.co_filename if code is not None else ""
        tracked.user = is_user_code(tracked.filename)
        tracked.search(coroutine)
        if getattr(coroutine, "cr_suspended", False):
            tracked.origin = origin or "eager"
            tracked.first = tracked.place = self._look(task, tracked)
        elif origin:
            tracked.origin = origin
        return tracked

    # -- places ---------------------------------------------------------------------------------------------

    def _place(self, stand: Stand) -> int:
        number = self._stand_ids.get(stand)
        if number is None:
            if len(self._stands) >= _MOST_PLACES:
                self.lost_places += 1
                return 0
            number = self._stand_ids[stand] = len(self._stands)
            self._stands.append(stand)
        return number

    def _look(self, task: Any, tracked: Tracked) -> int:
        """The number of the place where a task waits, by its whole chain of awaits; notes its scope or its end."""
        if task.done():
            self._end(task, tracked)
            return 0
        stand, anchor, outermost = places.look(task.get_coro())
        if outermost is not None:
            tracked.passed_through(outermost)
        if outermost is not None or tracked.scope is not None:
            tracked.search(task.get_coro())
        if anchor is not None:
            tracked.anchor = weakref.ref(anchor)
        if stand is None:
            return 0
        tracked.code, tracked.lasti = stand
        tracked.place = self._place(stand)
        return tracked.place

    def _move(self, task: Any, tracked: Tracked, code: CodeType, lasti: int) -> int:
        """The place at which a task lets go, where it is another one than the last time."""
        if tracked.scope is not None:
            tracked.search(task.get_coro())
        tracked.code, tracked.lasti = code, lasti
        tracked.place = self._place(Stand(code, lasti))
        return tracked.place

    def _end(self, task: Any, tracked: Tracked) -> None:
        tracked.ended, tracked.last = clock(), self.now.steps
        tracked.let_go_of_scope()
        if task.cancelled():
            tracked.ending = "cancelled"
            return
        # Not task.exception(): that would count as having looked, and silence "exception was never retrieved".
        error = getattr(task, "_exception", None)
        tracked.ending = "raised" if error is not None else "returned"
        if error is not None:
            tracked.error = naming.error_name(error)

    # -- the hot path ---------------------------------------------------------------------------------------

    def _make_roll(self) -> Callable[[Any, Callable[[Any], None]], None]:
        now, by_owner, size, steps = self.now, self.by_owner, self.size, self.steps
        sort_out, look, move, fail = self._sort_out, self._look, self._move, self._fail
        note_late, end_partial, loop_time = self._note_late, self._end_partial, self.loop.time
        users: dict[str, bool] = {}
        leaves: set[type] = {type(None)}
        read_clock, coroutine_type = clock, CoroutineType
        timer_handle: Any = TimerHandle

        def whose(filename: str) -> bool:
            if len(users) > 10_000:
                users.clear()
            answer = users[filename] = is_user_code(filename)
            return answer

        def may_lead_on(node: Any, kind: type) -> bool:
            """Whether a chain of awaits goes on after a node that is no coroutine."""
            if kind is GeneratorType:
                return node.gi_yieldfrom is not None or is_user_code(node.gi_code.co_filename)
            if kind.__name__ in WRAPPERS:
                return True
            if len(leaves) < 1000:
                leaves.add(kind)
            return False

        def roll(handle: Any, run: Callable[[Any], None]) -> None:
            try:
                callback = handle._callback
                try:
                    owner = callback.__self__
                except AttributeError:
                    owner = None
                tracked = by_owner.get(id(owner))
                if tracked is None:
                    tracked = sort_out(owner, callback)
                if handle.__class__ is timer_handle and loop_time() - handle._when > LATE_S:
                    note_late(handle, tracked)
                outer = now.since
                if outer:  # a loop is run inside a step, or the film began inside one
                    if now.partial and end_partial(outer):
                        outer = 0
                    outer_holder = now.holder
                now.holder = tracked
                now.since = start = read_clock()
            except Exception as fault:
                fail(fault)
                run(handle)
                return
            try:
                run(handle)
            except BaseException:
                now.since = 0
                raise
            end = read_clock()
            try:
                if outer:
                    now.since, now.holder = end, outer_holder
                else:
                    now.since = 0
                number = tracked.number
                place = 0
                if tracked.kind == "task":
                    node = tracked.anchor()
                    if node is None or (deeper := node.cr_await) is None:
                        place = look(owner, tracked)
                    else:
                        deepest = node
                        while deeper.__class__ is coroutine_type:
                            filename = deeper.cr_code.co_filename
                            try:
                                if users[filename]:
                                    deepest = deeper
                            except KeyError:
                                if whose(filename):
                                    deepest = deeper
                            deeper = deeper.cr_await
                        kind = deeper.__class__
                        if kind not in leaves and may_lead_on(deeper, kind):
                            place = look(owner, tracked)
                        else:
                            code, lasti = deepest.cr_code, deepest.cr_frame.f_lasti
                            if code is tracked.code and lasti == tracked.lasti:
                                place = tracked.place
                            else:
                                place = move(owner, tracked, code, lasti)
                elif number < 0:
                    return
                count = now.steps
                index = count % size * 4
                steps[index] = start
                steps[index + 1] = end
                steps[index + 2] = number
                steps[index + 3] = place
                now.steps = count + 1
            except Exception as fault:
                fail(fault)

        return roll

    def watch_selector(self, select: Callable[..., Any]) -> Callable[..., Any]:
        """`select` with its waiting time noted: while it waits, the loop is idle."""
        now, size, idles, end_partial, read_clock = self.now, self.size, self.idles, self._end_partial, clock

        def watched(timeout: float | None = None) -> Any:
            if timeout is not None and timeout <= 0 and not now.partial:
                return select(timeout)
            outer = now.since
            if outer and now.partial and end_partial(outer):
                outer = 0
            now.since = 0
            now.idle_since = start = read_clock()
            try:
                return select(timeout)
            finally:
                end = read_clock()
                count = now.idles
                index = count % size * 2
                idles[index] = start
                idles[index + 1] = end
                now.idles = count + 1
                now.idle_since = 0
                if outer:
                    now.since = end

        self.idle_known = True
        return watched

    # -- what happens rarely --------------------------------------------------------------------------------

    def arrive(self) -> None:
        """Register the tasks that exist when filming begins, and where they wait; on the loop's own thread."""
        if self.thread is not None:
            return
        try:
            self.thread = threading.get_ident()
            current = asyncio.current_task(self.loop)
            for task in sorted(asyncio.all_tasks(self.loop), key=_age):
                tracked = self.by_owner.get(id(task))
                if tracked is None:
                    tracked = self.meet(task, "before")
                if task is current and self.now.since == 0:
                    # The film begins in the middle of this task's step, whose end the hook won't see.
                    self.now.partial = True
                    self.now.holder = tracked
                    self.now.since = self.started
        except Exception as fault:
            self._fail(fault)

    def _end_partial(self, since: int) -> bool:
        """End the step in whose middle the film began, unless it goes on beneath (a loop run inside it)."""
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            if frame.f_code is HANDLE_RUN_CODE:
                return False
            frame = frame.f_back
        self.now.partial = False
        tracked = self.now.holder
        self.now.since = 0
        if tracked is None:
            return True
        task = tracked.ref()
        place = self._look(task, tracked) if task is not None and tracked.kind == "task" else 0
        if tracked.number >= 0:
            self._store(since, clock(), tracked.number, place)
        return True

    def _store(self, start: int, end: int, number: int, place: int) -> None:
        count = self.now.steps
        index = count % self.size * 4
        self.steps[index : index + 4] = [start, end, number, place]
        self.now.steps = count + 1

    def _note_late(self, handle: Any, tracked: Tracked) -> None:
        """A timer that ran late; its lane is that of the task which sleeps on the timer's future."""
        behind = int((self.loop.time() - handle.when()) * 1e9)
        end = clock()
        if tracked.kind != "callback":
            for thing in handle._args or ():
                for entry in getattr(thing, "_callbacks", None) or ():
                    callback = entry[0] if isinstance(entry, tuple) else entry
                    sleeper = self.by_owner.get(id(getattr(callback, "__self__", None)))
                    if sleeper is not None and sleeper.kind == "task":
                        tracked = sleeper
        if tracked.number >= 0:
            self.all_lates += 1
            self.lates.append((tracked.number, end - behind, end))

    def note_unawaited(self, coroutine: Any) -> None:
        """A coroutine was thrown away unawaited while this loop was running a step."""
        tracked = self.now.holder if self.now.since else None
        number = tracked.number if tracked is not None and tracked.number >= 0 else INTERNAL
        stand = running_line(sys._getframe(1))
        self.all_unawaited += 1
        self.unawaited.append((number, clock(), coroutine.__qualname__, stand))

    def note_failure(self, error: BaseException) -> None:
        """Note the exception that left the handler of the running task, and that the server has caught."""
        tracked = self.now.holder if self.now.since else None
        if tracked is None or tracked.kind != "task" or not tracked.own:
            return
        tracked.error = naming.error_name(error)
        tracked.wait_failed = tracked.code is not None and places.failed_at(error, Stand(tracked.code, tracked.lasti))

    def look_for_blocking(self) -> int:
        """Called by the watchdog: note the line that blocks, if one does.

        Returns:
            nanoseconds until it is worth looking again.
        """
        # From half the threshold on, so that on a busy machine, where a thread wakes late, a step that is only just
        # too long has been seen all the same.
        early = self.threshold // 2
        since: int = self.now.since
        tracked = self.now.holder
        at = clock()
        if not since or at - since < early:
            return early - (at - since) if since else early
        stand, calling = blocking_lines(sys._current_frames().get(self.thread or 0))
        # Read again: if the step ended meanwhile, the frame may belong to the next one.
        if stand is not None and self.now.since == since and self.now.holder is tracked:
            self.samples.append(Sample(at, stand, calling))
        return early

    def _fail(self, fault: Exception) -> None:
        if self.fault:
            return
        self.fault = f"{type(fault).__name__}: {fault}"
        self._on_fault(self)
        _log.error("the recorder failed and has switched itself off; what it filmed goes on", exc_info=fault)

    def standing(self) -> dict[int, int]:
        """Where each task stands at this moment, by the numbers of its tracked and of its place."""
        return {number: tracked.place for number, tracked in list(self.by_number.items())}

    # -- reading --------------------------------------------------------------------------------------------

    def position(self) -> tuple[int, int, int, int, int, int]:
        """Where the tape is now, for `cut`."""
        return (self.now.steps, self.now.idles, self.all_lates, self.all_unawaited, self.lost_lanes, self.lost_places)

    def cut(
        self,
        since: tuple[int, int, int, int, int, int],
        start: int,
        end: int,
        known: Mapping[int, str] | None = None,
        until: tuple[int, int, int, int, int, int] | None = None,
    ) -> Footage:
        """A copy of the tape from position `since` on.

        The loop may go on writing meanwhile. A step is counted only when it is whole, so the newest are safe;
        the oldest ones that were overwritten during the copying are left out.

        Args:
            since: as `position` gave it.
            start, end: from when to when, by `perf_counter_ns`.
            known: the endings of lanes that the reader has already; those that have not changed since are left out.
            until: up to which position, so that the next copy can go on there; up to now if left out.
        """
        all_tracked = list(self.by_number.values())
        steps, lost = self._copy(self.steps, 4, lambda: self.now.steps, since[0], until and until[0])
        idles, lost_idles = self._copy(self.idles, 2, lambda: self.now.idles, since[1], until and until[1])
        running_since, running_holder, idle_since = self.now.since, self.now.holder, self.now.idle_since
        running = (running_since, running_holder.number) if running_since and running_holder is not None else None
        lates, unawaited, samples = list(self.lates), list(self.unawaited), list(self.samples)
        return Footage(
            loop=self.name,
            start=start,
            end=end,
            starts=steps[0::4],
            ends=steps[1::4],
            whos=steps[2::4],
            places=steps[3::4],
            idle_starts=idles[0::2],
            idle_ends=idles[1::2],
            lanes={tracked.number: tracked.notes() for tracked in self._changed(all_tracked, steps[2::4], known)},
            stands=tuple(self._stands),
            samples=tuple(sample for sample in samples if sample.at >= start),
            lates=tuple(late for late in lates if start <= late[2] <= end),
            unawaited=tuple(one for one in unawaited if start <= one[1] <= end),
            running=running,
            idle_since=idle_since,
            idle_known=self.idle_known,
            threshold=self.threshold,
            # What was overwritten is older than what is left: nothing is missing if that reaches back to `start`.
            lost_steps=lost if not steps or steps[1] > start else 0,
            lost_idles=lost_idles if not idles or idles[1] > start else 0,
            lost_lanes=self.lost_lanes - since[4],
            lost_places=self.lost_places - since[5],
            lost_lates=max(0, self.all_lates - since[2] - _MOST_NOTES),
            lost_unawaited=max(0, self.all_unawaited - since[3] - _MOST_NOTES),
            fault=self.fault,
        )

    @staticmethod
    def _changed(all_tracked: list[Tracked], active: list[int], known: Mapping[int, str] | None) -> Iterable[Tracked]:
        if known is None:
            return all_tracked
        ran = set(active)
        return [one for one in all_tracked if one.number in ran or known.get(one.number) != one.ending]

    def _copy(
        self,
        ring: list[int] | array[int],
        width: int,
        written: Callable[[], int],
        since: int,
        until: int | None,
    ) -> tuple[list[int], int]:
        """The entries of a ring from number `since` on, flat, and how many of them have been overwritten.

        Args:
            ring: the entries, `width` integers each.
            written: how many have been written by now.
            since, until: from which number on, and up to which; up to now if None.
        """
        upto = written() if until is None else until
        first = max(since, upto - self.size)
        begin, count = first % self.size * width, (upto - first) * width
        head = list(ring[begin : begin + count])
        copy = head + list(ring[: count - len(head)])
        meanwhile = min(max(0, written() - self.size - first), upto - first)
        return copy[meanwhile * width :], first - since + meanwhile
