"""The filmed program goes on as without a film, whatever happens to the recorder."""

from __future__ import annotations

import asyncio
import gc
import logging
import time
import tracemalloc
import warnings
import weakref

import pytest
from tests.recording.conftest import LoopThread

from wslab.recording import RecordingError, hook, record
from wslab.recording import tape as tape_module
from wslab.recording.drawing import draw
from wslab.recording.tape import Tape
from wslab.recording.watchdog import Watchdog


async def ticks(count: int) -> int:
    for _ in range(count):
        await asyncio.sleep(0)
    return count


@pytest.mark.parametrize("broken", ["look", "task_names", "served_by"])
def test_a_fault_is_reported_once_and_switches_the_recorder_off(
    there: LoopThread, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("a fault of the recorder")

    hook.self_test()
    module = tape_module.places if broken == "look" else tape_module.naming
    monkeypatch.setattr(module, broken, fault)
    with caplog.at_level(logging.ERROR, "wslab.recording"), record(there) as film:
        assert there.run(ticks(20)) == 20
        assert there.run(ticks(20)) == 20
        assert not hook.installed()
    assert [record_.message for record_ in caplog.records if record_.name == "wslab.recording"] == [
        "the recorder failed and has switched itself off; what it filmed goes on"
    ]
    assert "ZeroDivisionError" in film.trace.fault
    assert "ZeroDivisionError" in film.summary()
    assert there.run(ticks(3)) == 3


def test_a_fault_in_the_middle_does_not_run_a_step_twice_or_never(
    there: LoopThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[int] = []

    async def counting() -> None:
        for number in range(50):
            ran.append(number)
            await asyncio.sleep(0)

    calls = 0
    honest = tape_module.is_user_code

    def sometimes(filename: str) -> bool:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise RuntimeError("not now")
        return honest(filename)

    with record(there) as film:
        monkeypatch.setattr(tape_module, "is_user_code", sometimes)
        there.run(counting())
    assert ran == list(range(50))
    assert film.trace.fault


def test_a_fault_of_the_watchdog_stops_the_watching_alone(caplog: pytest.LogCaptureFixture) -> None:
    import threading

    looked = threading.Event()

    class Broken:
        def look_for_blocking(self) -> int:
            looked.set()
            raise ZeroDivisionError

    watchdog = Watchdog()
    watchdog.watch(Broken())  # type: ignore[arg-type]
    assert looked.wait(10)
    assert watchdog._thread is None or watchdog._thread.join(10) is None
    assert "the watchdog failed" in caplog.text


def test_two_hundred_films_under_traffic_leave_nothing_patched(there: LoopThread) -> None:
    original = asyncio.Handle._run
    stop = asyncio.Event()
    round_begun = asyncio.Event()

    async def traffic() -> None:
        while not stop.is_set():
            round_begun.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0.0001)

    async def another_round() -> None:
        round_begun.clear()
        await round_begun.wait()

    running = asyncio.run_coroutine_threadsafe(traffic(), there.loop)
    there.run(another_round())
    for _ in range(200):
        with record(there) as film:
            there.run(another_round())  # a film does not wait long for a loop whose thread gets no processor
            assert film.lane("traffic").born == "before"
        assert asyncio.Handle._run is original
        assert "select" not in vars(there.loop._selector)  # type: ignore[attr-defined]
        starts = [step.start for step in film.steps]
        assert starts == sorted(starts)
        assert all(0 <= step.start <= step.end <= film.trace.end for step in film.steps)
    there.loop.call_soon_threadsafe(stop.set)
    running.result(20)
    assert hook._tapes == hook._rolls == hook._users == {}


def test_a_patch_on_top_of_the_hook_is_not_torn_out(there: LoopThread) -> None:
    seen: list[str] = []
    original = asyncio.Handle._run
    film = record(there).start()
    beneath = asyncio.Handle._run

    def others(self: asyncio.Handle) -> None:
        seen.append("others")
        beneath(self)

    asyncio.Handle._run = others  # type: ignore[method-assign]
    try:
        film.stop()
        assert asyncio.Handle._run is others
        assert there.run(ticks(2)) == 2
        with record(there) as second:  # the hook is still beneath, and must not be put in a second time
            there.run(ticks(2))
        assert len(second.steps_of("ticks")) == 3
    finally:
        asyncio.Handle._run = beneath  # type: ignore[method-assign]
        with record(there) as third:  # comes out again with the next film that ends
            there.run(ticks(2))
    assert len(third.steps_of("ticks")) == 3
    assert seen
    assert asyncio.Handle._run is original


def test_uvloop_is_refused_with_a_sentence() -> None:
    class Loop:
        __module__ = "uvloop"

        def call_soon_threadsafe(self, *_: object) -> None: ...

    with pytest.raises(RecordingError, match=r"uvloop, which calls its callbacks in C.*loop=\"asyncio\""):
        record(Loop())


def test_the_real_uvloop_is_refused() -> None:
    uvloop = pytest.importorskip("uvloop")
    loop = uvloop.new_event_loop()
    try:
        with pytest.raises(RecordingError, match="uvloop"):
            record(loop)
    finally:
        loop.close()


def test_sentences_for_what_cannot_be_filmed() -> None:
    with pytest.raises(RecordingError, match="films a running server"):
        record("server")
    with pytest.raises(RecordingError, match="needs to know what to film"):
        record()
    with pytest.raises(RecordingError, match="there is none"):
        record(here=True)
    loop = asyncio.new_event_loop()
    loop.close()
    with pytest.raises(RecordingError, match="closed"):
        record(loop)


def test_a_python_with_other_insides_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    hook.self_test.cache_clear()
    monkeypatch.setattr(Tape, "_look", lambda *_: 0)
    try:
        with pytest.raises(RecordingError, match="does not know"):
            hook.self_test()
    finally:
        monkeypatch.undo()
        hook.self_test.cache_clear()
    hook.self_test()


def test_a_pending_task_that_nobody_holds_is_still_destroyed(there: LoopThread) -> None:
    born: list[weakref.ref[asyncio.Task[None]]] = []

    async def forgotten() -> None:
        await asyncio.get_running_loop().create_future()

    async def main() -> None:
        born.append(weakref.ref(asyncio.create_task(forgotten())))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()

    there.loop.set_exception_handler(lambda loop, context: None)  # "Task was destroyed but it is pending!"
    with record(there) as film:
        there.run(main())
    assert born[0]() is None
    assert film.lane("forgotten").ending == "destroyed"
    assert "nobody held a reference" in film.summary()


def test_an_exception_that_nobody_looks_at_is_still_reported(there: LoopThread) -> None:
    reported: list[str] = []
    there.loop.set_exception_handler(lambda loop, context: reported.append(context["message"]))

    async def dies() -> None:
        raise ValueError("in silence")

    async def main() -> None:
        asyncio.create_task(dies())  # noqa: RUF006
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gc.collect()

    with record(there) as film:
        there.run(main())
    assert film.lane("dies").error == "ValueError: in silence"
    gc.collect()
    there.run(ticks(1))
    assert reported == ["Task exception was never retrieved"]


def test_the_warning_about_a_forgotten_await_still_names_the_learners_line(there: LoopThread) -> None:
    async def forgetful() -> int:
        ticks(1)
        return forgetful.__code__.co_firstlineno + 1

    with warnings.catch_warnings(record=True) as without:
        warnings.simplefilter("always")
        line = there.run(forgetful())
    with warnings.catch_warnings(record=True) as caught, record(there) as film:
        warnings.simplefilter("always")
        there.run(forgetful())
    for warned in (without, caught):
        assert [(one.filename, one.lineno, str(one.message)) for one in warned] == [
            (__file__, line, "coroutine 'ticks' was never awaited")
        ]
    (one,) = film.unawaited
    assert (one.coroutine, film.lanes[one.lane].name) == ("ticks", "forgetful")
    assert one.place is not None
    assert (one.place.code, one.place.line) == ("ticks(1)", line)


def test_objects_of_the_program_are_not_kept_alive(there: LoopThread) -> None:
    class Thing:
        pass

    alive: list[weakref.ref[Thing]] = []

    async def owner() -> None:
        thing = Thing()
        alive.append(weakref.ref(thing))
        await asyncio.sleep(0)

    with record(there) as film:
        there.run(owner())
        there.run(ticks(1))
        gc.collect()
        assert alive[0]() is None
    assert film.lane("owner").ending == "returned"


def test_an_interrupt_goes_through(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stopped() -> None:
        raise KeyboardInterrupt

    loop = asyncio.new_event_loop()
    try:
        with record(loop) as film:
            with pytest.raises(KeyboardInterrupt):
                loop.run_until_complete(stopped())
            loop.run_until_complete(ticks(1))
        assert [name for name in film.order if name == "ticks"] == ["ticks", "ticks"]
    finally:
        loop.close()


def test_a_selector_that_cannot_be_watched_costs_the_idle_time_alone(there: LoopThread) -> None:
    class Closed:
        __slots__ = ("selector",)

        def __init__(self, selector: object) -> None:
            self.selector = selector

        def select(self, timeout: float | None = None) -> object:
            return self.selector.select(timeout)  # type: ignore[attr-defined]

        def __getattr__(self, name: str) -> object:
            return getattr(self.selector, name)

    inner = there.loop._selector  # type: ignore[attr-defined]

    async def swap(selector: object) -> None:
        there.loop._selector = selector  # type: ignore[attr-defined]

    there.run(swap(Closed(inner)))
    with record(there) as film:
        there.run(ticks(2))
    there.run(swap(inner))
    assert not film.trace.idle_known
    assert len(film.steps_of("ticks")) == 3
    assert "does not show when it is idle" in film.summary()


class LoopWithoutSelector(asyncio.BaseEventLoop):
    """A loop that waits in a way of its own, as a loop of another system may."""

    def _run_once(self) -> None:
        now = self.time()
        due = [handle for handle in self._scheduled if handle.when() <= now]  # type: ignore[attr-defined]
        for handle in sorted(due, key=lambda handle: handle.when()):
            self._scheduled.remove(handle)  # type: ignore[attr-defined]
            self._ready.append(handle)  # type: ignore[attr-defined]
        if not self._ready:  # type: ignore[attr-defined]
            time.sleep(0.0005)
        for _ in range(len(self._ready)):  # type: ignore[attr-defined]
            handle = self._ready.popleft()  # type: ignore[attr-defined]
            if not handle.cancelled():
                handle._run()

    def _write_to_self(self) -> None: ...


def test_a_loop_without_a_selector_is_filmed_all_the_same() -> None:
    async def main() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(0.001)

    loop = LoopWithoutSelector()
    try:
        with record(loop) as film:
            loop.run_until_complete(main())
    finally:
        loop.close()
    assert [step.let_go.code if step.let_go else None for step in film.steps] == [
        "await asyncio.sleep(0)",
        "await asyncio.sleep(0.001)",
        None,
    ]
    assert film.idles == ()
    assert not film.trace.idle_known
    assert "idle" not in draw(film.trace).svg.partition("</style>")[2]


def test_the_ring_is_bounded_and_says_what_it_lost(there: LoopThread) -> None:
    tape = hook.attach(there.loop, "small", size=64)
    try:
        there.run(ticks(500))
        with record(there) as film:
            there.run(ticks(500))
    finally:
        hook.detach(tape)
    assert len(film.steps) + len(film.internals) <= 64 + 1  # and one that may be running when the film ends
    assert film.dropped.steps >= 500 - 64
    assert film.steps[-1].ending == "returned"
    assert "steps" in film.summary()


def test_lanes_places_and_marks_are_bounded(there: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "_MOST_LANES", 12)
    monkeypatch.setattr(tape_module, "_MOST_PLACES", 2)
    monkeypatch.setattr("wslab.recording.film._MOST_MARKS", 3)
    done = asyncio.Event()

    async def guest() -> None:
        await done.wait()

    async def other() -> None:
        await asyncio.sleep(0)

    async def main() -> None:
        guests = [asyncio.create_task(guest()) for _ in range(30)]
        await asyncio.sleep(0)
        done.set()
        await asyncio.gather(*guests)
        await other()

    with record(there) as film:
        there.run(main())
        for number in range(5):
            film.mark(str(number))
    assert film.dropped.lanes > 0
    assert film.dropped.places > 0
    assert film.dropped.marks == 2
    assert len(film.lanes) <= 12
    assert film.dropped
    assert "marks" in film.summary()


def test_a_crowd_of_tasks_costs_no_more_than_any(there: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "_MOST_LANES", 8)
    forgotten = 0
    honest = Tape._forget_ended

    def counted(self: Tape) -> None:
        nonlocal forgotten
        forgotten += 1
        honest(self)

    monkeypatch.setattr(Tape, "_forget_ended", counted)

    async def crowd() -> None:
        await asyncio.gather(*(ticks(20) for _ in range(100)))

    with record(there) as film:
        there.run(crowd())
    assert film.dropped.lanes >= 90  # counted once a task, not once a step
    assert film.dropped.lanes <= 101
    assert forgotten < 20


def test_the_last_moments_lack_nothing_that_they_did_not_hold(there: LoopThread) -> None:
    tape = hook.attach(there.loop, "small", size=64)
    try:
        there.run(ticks(500))
        there.run(asyncio.sleep(0.05))
        there.run(ticks(2))
        end = time.perf_counter_ns()
        footage = tape.cut(tape_module.BEGINNING, end - 40_000_000, end)
    finally:
        hook.detach(tape)
    assert footage.lost_steps == 0
    assert tape.cut(tape_module.BEGINNING, 0, end).lost_steps > 400


def test_lanes_that_are_over_make_room(there: LoopThread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape_module, "_MOST_LANES", 12)
    tape = hook.attach(there.loop, "small", size=8)
    try:
        for _ in range(50):
            there.run(ticks(2))
        assert len(tape.by_number) <= 12
        assert tape.lost_lanes == 0
    finally:
        hook.detach(tape)


@pytest.mark.slow
def test_a_step_costs_at_most_150_bytes(there: LoopThread) -> None:
    hook.self_test()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        with record(there):
            there.run(ticks(50_000), deadline=120)
            used = tracemalloc.get_traced_memory()[0] - before
        assert used / 50_000 <= 150
    finally:
        tracemalloc.stop()


def test_a_loop_that_is_blocked_can_be_filmed_and_left(there: LoopThread) -> None:
    async def blocks() -> None:
        time.sleep(0.8)

    running = asyncio.run_coroutine_threadsafe(blocks(), there.loop)
    with record(there) as film:
        assert film.running
    running.result(10)
    assert not hook.installed()
