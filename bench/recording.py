"""What a film costs: echo trips with and without, in turns; a step on a quiet loop; its memory; its picture.

Beside it, on the same echo run: a recorder made of `sys.monitoring` (Python 3.12 and later), and viztracer's
`log_async`, where viztracer is installed, each in a process of its own. Only compare figures of one run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import inspect
import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import websockets
from fastapi import FastAPI, WebSocket
from ledger import measured

from wslab.recording import Place, Recording, Step, Trace, record
from wslab.recording.trace import Dropped, Idle, Internal, Lane
from wslab.serving import Server, serve

ROUNDS, TRIPS = 40, 400
STEPS = 20_000


def make_app() -> FastAPI:
    app = FastAPI()

    @app.websocket("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            data = await websocket.receive_text()
            await websocket.send_text(f"Mesajınız: {data}")

    return app


@contextlib.contextmanager
def filmed(server: Server) -> Iterator[Recording]:
    with record(server) as film:
        yield film


@contextlib.contextmanager
def monitored(server: Server) -> Iterator[list[tuple[Any, ...]]]:
    """The other way to see a coroutine let go and go on: `sys.monitoring`, PEP 669. It sees no idle time."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined, unused-ignore]
    events, tool = monitoring.events, monitoring.PROFILER_ID
    thread, told = server.thread.ident, []
    clock, ident, current_task = time.perf_counter_ns, threading.get_ident, asyncio.current_task

    def note(code: Any, offset: int, *_: object) -> object:
        if not code.co_flags & inspect.CO_COROUTINE:
            return monitoring.DISABLE
        if ident() == thread:
            told.append((clock(), id(current_task()), code, offset))
        return None

    monitoring.use_tool_id(tool, "bench")
    for event in (events.PY_START, events.PY_RESUME, events.PY_YIELD, events.PY_RETURN):
        monitoring.register_callback(tool, event, note)
    monitoring.set_events(tool, events.PY_START | events.PY_RESUME | events.PY_YIELD | events.PY_RETURN)
    try:
        yield told
    finally:
        monitoring.set_events(tool, 0)
        monitoring.free_tool_id(tool)
        monitoring.restart_events()


@contextlib.contextmanager
def viztraced(server: Server) -> Iterator[Any]:
    """viztracer with `log_async`, switched on in the server's thread."""
    from viztracer import VizTracer  # type: ignore[import-not-found, unused-ignore]

    tracer = VizTracer(log_async=True, verbose=0, tracer_entries=1_000_000)

    async def switch(on: bool) -> None:
        (tracer.start if on else tracer.stop)()

    server.submit(switch(True)).result(10)
    try:
        yield tracer
    finally:
        server.submit(switch(False)).result(10)
        tracer.clear()


async def echo_in_turns(
    server: Server, instrument: Callable[[Server], AbstractContextManager[Any]], rounds: int = ROUNDS
) -> tuple[float, float, float, float]:
    """Median microseconds a trip without and with the instrument, and the median share of trips that it costs.

    The last figure is that share by the processor's clock, which other programs on the machine disturb less.
    """
    without, with_it, lost, lost_work = [], [], [], []
    async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as client:

        async def trips() -> tuple[float, float]:
            before, work = time.perf_counter(), time.process_time()
            for _ in range(TRIPS):
                await client.send("selam")
                await client.recv()
            return (time.perf_counter() - before) / TRIPS * 1e6, time.process_time() - work

        async def trips_with() -> tuple[float, float]:
            with instrument(server):
                return await trips()

        await trips()
        await trips_with()
        for number in range(rounds):
            turns: list[Callable[[], Awaitable[tuple[float, float]]]] = [trips, trips_with]
            taken = {turn: await turn() for turn in (turns if number % 2 else turns[::-1])}
            without.append(taken[trips][0])
            with_it.append(taken[trips_with][0])
            lost.append(1 - taken[trips][0] / taken[trips_with][0])
            lost_work.append(1 - taken[trips][1] / taken[trips_with][1])
    return tuple(statistics.median(figures) for figures in (without, with_it, lost, lost_work))  # type: ignore[return-value]


def cost_of_a_step(rounds: int = 15) -> float:
    """Microseconds of processor time a step: a task and a callback take turns, the task two awaits deep."""

    async def receive(future: asyncio.Future[None]) -> None:
        await future

    async def receive_text(future: asyncio.Future[None]) -> None:
        await receive(future)

    async def handler(loop: asyncio.AbstractEventLoop) -> None:
        for _ in range(STEPS // 2):
            future: asyncio.Future[None] = loop.create_future()
            loop.call_soon(future.set_result, None)
            await receive_text(future)

    def run(film: bool) -> float:
        loop = asyncio.new_event_loop()
        try:
            with record(loop) if film else contextlib.nullcontext():
                before = time.thread_time()
                loop.run_until_complete(handler(loop))
                return (time.thread_time() - before) / STEPS * 1e6
        finally:
            loop.close()

    run(True)
    return statistics.median(run(True) - run(False) for _ in range(rounds))


def memory_of_a_step() -> float:
    """Bytes a step in a full ring, everything that the recorder holds counted."""

    async def handler() -> None:
        for _ in range(50_000):
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    with record(loop):
        loop.run_until_complete(handler())
        used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    loop.close()
    return used / 50_000


def many_steps(count: int = 5_000, lanes: int = 8) -> Recording:
    """A film of `count` steps, in which eight guests take turns, a millisecond each."""
    waits = Place("await websocket.receive_text()", "In[2]", 25, "websocket_endpoint")
    millisecond = 1_000_000
    return Recording.of(
        Trace(
            title="5,000 steps",
            end=count * millisecond,
            loops=("server",),
            lanes=(
                *(
                    Lane(n, f"websocket_endpoint · guest {n}", "connection", 0, 0, count * millisecond, waiting=waits)
                    for n in range(lanes)
                ),
                Lane(lanes, "uvicorn + asyncio", "internal", 0, 0, count * millisecond),
            ),
            steps=tuple(
                Step(
                    n + 1,
                    n * 7 % lanes,
                    n * millisecond,
                    n * millisecond + 137_000 + n % 977 * 100,
                    waits,
                    waits,
                    own=9,
                )
                for n in range(count)
            ),
            internals=tuple(Internal(0, n * millisecond - 200_000, n * millisecond - 9_000) for n in range(1, count)),
            idles=tuple(Idle(0, n * millisecond + 300_000, n * millisecond + 700_000) for n in range(count)),
            blocks=(),
            lates=(),
            marks=(),
            unawaited=(),
            dropped=Dropped(),
        )
    )


def picture() -> dict[str, float]:
    """How long the picture of 5,000 steps takes to make and, in a Chromium, to open, and what it weighs."""
    film = many_steps()
    before = time.perf_counter()
    html = film._repr_html_()
    made = time.perf_counter() - before
    figures = {"picture_made_s": made, "picture_bytes": len(html.encode())}
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None or importlib.util.find_spec("playwright") is None:
        return figures
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "film.html"
        file.write_text(f"<!doctype html><meta charset=utf-8><body>{html}", encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 920, "height": 900})
        page.goto(file.as_uri())
        opened = [_opened(page, file) for _ in range(5)]
        browser.close()
    return figures | {"picture_opens_s": statistics.median(opened)}


def _opened(page: Any, file: Path) -> float:
    page.goto(file.as_uri())
    timing = "performance.getEntriesByType('navigation')[0]"
    return float(page.evaluate(f"{timing}.domComplete - {timing}.startTime")) / 1000


Instrument = Callable[[Server], AbstractContextManager[Any]]


def instruments() -> dict[str, Instrument]:
    """What is compared, by its name; what is not installed or not in this Python is left out."""
    found: dict[str, Instrument] = {"record(server)": filmed}
    if sys.version_info >= (3, 12):
        found["sys.monitoring"] = monitored
    if importlib.util.find_spec("viztracer") is not None:
        found["viztracer log_async"] = viztraced
    return found


def in_a_process_of_its_own(name: str) -> tuple[float, float, float, float]:
    """`echo_in_turns` in a new process: after viztracer, and after `sys.monitoring`, a process runs slower."""
    run = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, check=True, text=True)
    without, with_it, lost, lost_work = json.loads(run.stdout)
    return without, with_it, lost, lost_work


def compare_one(name: str) -> None:
    """Print the figures of one instrument as JSON."""
    with serve(make_app()) as server:
        print(json.dumps(asyncio.run(echo_in_turns(server, instruments()[name]))))


def main() -> None:
    if len(sys.argv) > 1:
        compare_one(sys.argv[1])
        return
    print(
        f"Python {sys.version.split()[0]}, {ROUNDS} rounds of {TRIPS} echo trips, in turns; "
        "client and server share a process"
    )
    with measured("recording") as figures:
        for name in instruments():
            without, with_it, lost, lost_work = in_a_process_of_its_own(name)
            print(
                f"  {name:20} {without:6.0f} µs a trip without, {with_it:6.0f} µs with: "
                f"{lost:6.1%} of trips, {lost_work:.1%} by processor time"
            )
            key = re.sub(r"\W+", "_", name).strip("_")
            figures |= {f"{key}_lost_share": lost, f"{key}_lost_work_share": lost_work}
        figures["step_us"] = cost_of_a_step()
        figures["step_bytes"] = memory_of_a_step()
        figures |= picture()
        print(f"  a step: {figures['step_us']:.2f} µs of processor time")
        print(f"  a step in a ring of 50,000: {figures['step_bytes']:.0f} bytes")
        print(
            f"  the picture of 5,000 steps: made in {figures['picture_made_s']:.2f} s, "
            f"{figures['picture_bytes'] / 1e6:.2f} MB"
        )
        if "picture_opens_s" in figures:
            print(f"  it opens in {figures['picture_opens_s']:.2f} s (median of 5)")


if __name__ == "__main__":
    main()
