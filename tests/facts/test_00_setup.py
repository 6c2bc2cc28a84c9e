"""What notebook 00 teaches about the kernel's loop; each test names the fact it holds on to."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from wslab.authoring.building import Unit
from wslab.authoring.building.editions import read_course
from wslab.language import LANGUAGES
from wslab.serving import Server, WrongApp, heartbeat, serve, servers

ROOT = Path(__file__).parents[2]
DEADLINE = 10


@pytest.fixture
def app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, object]:
        return {"thread": threading.current_thread().name, "loop": id(asyncio.get_running_loop())}

    return app


@pytest.fixture
def server(app: FastAPI) -> Server:
    return serve(app)


def in_a_process_of_its_own(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


async def add(a: int, b: int) -> int:
    await asyncio.sleep(0)
    return a + b


# 1–3: the loop that is already there


def test_a_thread_begins_without_a_loop() -> None:
    """A script asks for the running loop and gets `RuntimeError: no running event loop`."""
    with pytest.raises(RuntimeError, match="no running event loop"):
        asyncio.get_running_loop()


def test_await_at_the_left_margin_is_for_cells_only() -> None:
    """In a `.py` file it is a `SyntaxError`."""
    with pytest.raises(SyntaxError, match="outside function"):
        compile("await add(20, 22)", "file.py", "exec")


async def test_asyncio_run_refuses_where_a_loop_runs() -> None:
    """`asyncio.run()` fails in a cell, and its coroutine was never awaited."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError, match="cannot be called from a running event loop") as refusal:
            asyncio.run(add(20, 22))
        del refusal
    assert [str(warning.message) for warning in caught] == ["coroutine 'add' was never awaited"]


async def test_await_is_the_repair() -> None:
    assert await add(20, 22) == 42


async def test_a_thread_of_its_own_is_the_repair_for_a_library() -> None:
    """A new thread has no loop, so `asyncio.run()` is right there."""
    assert await asyncio.to_thread(lambda: asyncio.run(add(20, 22))) == 42


# 4: a server in a cell


def test_the_server_runs_in_a_thread_and_a_loop_of_its_own(server: Server) -> None:
    answer = httpx.get(server.url).json()
    assert answer == {"thread": server.thread.name, "loop": id(server.loop)}
    assert server.thread is not threading.main_thread()


def test_serve_leaves_signals_alone(app: FastAPI) -> None:
    """`Server.run` in a daemon thread works and leaves signals alone."""
    before = signal.getsignal(signal.SIGINT)
    server = serve(app)
    assert signal.getsignal(signal.SIGINT) is before
    assert server.thread.daemon


async def test_uvicorn_run_refuses_as_well(app: FastAPI, server: Server) -> None:
    """`uvicorn.run()` is `asyncio.run()` around a server; it takes over no signal before it fails."""
    before = signal.getsignal(signal.SIGINT)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with pytest.raises(RuntimeError, match="running") as refusal:
            uvicorn.run(app, port=server.port, log_config=None)
        del refusal
    assert "coroutine 'Server.serve' was never awaited" in [str(warning.message) for warning in caught]
    assert signal.getsignal(signal.SIGINT) is before


PATCHED_KERNEL = """
import asyncio, nest_asyncio2
nest_asyncio2.apply()
import uvicorn
from fastapi import FastAPI
from wslab import serve

async def cell():
    app = FastAPI()
    server = serve(app)
    try:
        uvicorn.run(app, port=server.port, log_config=None)
    except (RuntimeError, SystemExit) as error:
        print(type(error).__name__)
    server.stop()

asyncio.run(cell())
"""


@pytest.mark.slow
def test_the_cell_with_uvicorn_run_ends_in_a_patched_kernel_too() -> None:
    """Where the call goes through it finds the port taken, and does not stay."""
    assert in_a_process_of_its_own(PATCHED_KERNEL).stdout.strip() in ("SystemExit", "RuntimeError")


def test_serve_answers_a_name_with_a_sentence() -> None:
    with pytest.raises(WrongApp, match="got a name"):
        serve("server:app")


def test_a_fixed_port_is_replaced_by_the_next_server(app: FastAPI) -> None:
    """On a re-run with a fixed port the old server would go on answering; `serve()` replaces it."""
    first = serve(app)
    second = serve(app, port=first.port)
    assert servers() == [second]


# 5: one thread, one thing at a time


async def ticks_beside(sleeps: bool) -> int:
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    ticker = asyncio.create_task(tick())
    if sleeps:
        time.sleep(0.01)  # holds the loop, which is what is tested
    else:
        await asyncio.sleep(0.01)
    ticker.cancel()
    return ticks


async def test_time_sleep_holds_the_loop() -> None:
    """A task that is created beside `time.sleep()` does not even begin."""
    assert await ticks_beside(sleeps=True) == 0
    assert await ticks_beside(sleeps=False) >= 1


async def test_the_server_answers_while_the_cell_holds_its_own_loop(server: Server) -> None:
    answers: list[int] = []
    asker = threading.Thread(target=lambda: answers.append(httpx.get(server.url).status_code))
    asker.start()
    asker.join(DEADLINE)  # holds this loop
    assert answers == [200]


# 6: when a cell hangs


async def test_a_deadline_ends_a_wait() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await asyncio.Event().wait()


def test_the_kernels_loop_is_woken_five_times_a_second() -> None:
    """■ does not stop an awaiting cell until the loop next wakes; a 0.2 s heartbeat cuts that to its period."""
    assert heartbeat.PERIOD == 0.2


@pytest.mark.parametrize("slug", ["00-setup", "01-server"])
def test_every_receive_has_a_deadline(slug: str) -> None:
    """A `recv()` in a cell stands in a `wait_for(…)`."""
    source = (ROOT / f"course/notebooks/{slug}.md").read_text("utf-8")
    cells = re.findall(r"^```\{code-cell\} ipython3\n(.*?)^```", source, re.DOTALL | re.MULTILINE)
    assert cells
    assert [line for cell in cells for line in cell.splitlines() if ".recv()" in line and "wait_for(" not in line] == []


# 7: nest_asyncio

NAPS = """
import asyncio, {package}
{package}.apply()
done = []

async def nap(name, seconds):
    {wait}
    done.append(name)

async def main():
    await asyncio.gather(nap("short", 0.05), nap("long", 0.3))

asyncio.run(main())
print(*done)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wait", "order"),
    [("asyncio.run(asyncio.sleep(seconds))", "long short"), ("await asyncio.sleep(seconds)", "short long")],
)
def test_nested_runs_end_inside_out(wait: str, order: str) -> None:
    """A nested run ends before the one around it, whatever the clock says; `await` goes by the clock."""
    run = in_a_process_of_its_own(NAPS.format(package="nest_asyncio2", wait=wait))
    assert run.stdout.strip() == order, run.stderr


@pytest.mark.slow
def test_the_patch_exchanges_tasks_for_pythons_own_up_to_3_13() -> None:
    script = (
        "import asyncio, nest_asyncio2; before = asyncio.Task; nest_asyncio2.apply(); "
        "print(before is asyncio.Task, asyncio.Task is asyncio.tasks._PyTask)"
    )
    exchanged = sys.version_info < (3, 14)
    assert in_a_process_of_its_own(script).stdout.split() == [str(not exchanged), str(exchanged)]


WITHIN_A_TASK = {
    "timeout": "async with asyncio.timeout(5): pass",
    "wait_for": "await asyncio.wait_for(asyncio.sleep(0), 5)",
    "TaskGroup": "async with asyncio.TaskGroup(): pass",
}


@pytest.mark.slow
@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
@pytest.mark.parametrize("use", WITHIN_A_TASK)
def test_on_3_14_the_older_patch_begins_tasks_that_asyncio_does_not_know(package: str, use: str) -> None:
    """`Timeout should be used inside a task`, and `cannot determine the parent task`; not so with nest_asyncio2."""
    script = f"""
import asyncio, {package}

async def begun_after():
    {WITHIN_A_TASK[use]}
    return asyncio.current_task() is not None

async def cell():
    {package}.apply()
    print(await asyncio.create_task(begun_after()))

asyncio.run(cell())
"""
    run = in_a_process_of_its_own(script)
    if package == "nest_asyncio" and sys.version_info >= (3, 14):
        assert ("parent task" if use == "TaskGroup" else "Timeout should be used inside a task") in run.stderr
    else:
        assert run.stdout.strip() == "True", run.stderr


@pytest.mark.slow
@pytest.mark.skipif(sys.version_info < (3, 12), reason="uvicorn passes loop_factory on 3.12 and later")
def test_the_older_patch_before_the_import_breaks_uvicorn() -> None:
    """nest_asyncio 1.6 on 3.12 and later, applied before `import uvicorn`: TypeError … 'loop_factory'."""
    script = (
        "import nest_asyncio; nest_asyncio.apply(); import uvicorn; from fastapi import FastAPI; "
        "uvicorn.run(FastAPI(), port=0)"
    )
    assert in_a_process_of_its_own(script).stderr.strip().endswith("unexpected keyword argument 'loop_factory'")


# 8: stop


def test_nobody_is_there_after_stop(server: Server) -> None:
    server.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(server.url)
    assert servers() == []


# The map


def place_on_the_map(unit: Unit, language: str) -> str:
    """How the start page shows a unit: by its number and title, with a link to it (to itself, without one)."""
    title = f"{unit.number} · {unit.title.into(language)}"
    if unit.slug == "00-setup":
        return f"**{title}**"
    there = f"{unit.slug}.ipynb" if unit.kind == "notebook" else f"../../{unit.built('labs', language)}"
    return f"[{title}]({there})"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_map_shows_every_unit_there_is(language: str) -> None:
    course = read_course(ROOT)  # as far as it can be read: whether all of it can is for the build to say
    (text,) = [cell.text.into(language) for unit in course.units for cell in unit.cells if cell.id == "map"]
    assert [place for unit in course.units if (place := place_on_the_map(unit, language)) not in text] == []
