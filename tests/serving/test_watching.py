"""What an app catches itself, and its own tasks: a second look at a server that raised nothing."""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from wslab.serving.server import Server
from wslab.serving.watching import TaskSeen, Watch


async def raises() -> None:
    raise LookupError("kaput")


async def ends() -> None:
    await asyncio.sleep(0)


async def goes_on() -> None:
    await asyncio.Event().wait()


def app_that_runs(work: Callable[[], Coroutine[Any, Any, None]], *, cancels: bool = False) -> FastAPI:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(work())
        if cancels:
            task.cancel()
        yield
        with contextlib.suppress(LookupError, asyncio.CancelledError):
            task.cancel()
            await task

    app = FastAPI(lifespan=lifespan)

    @app.get("/hides")
    async def hides(times: int) -> None:
        for _ in range(times):
            with contextlib.suppress(Exception):
                int("four")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.sleep(1), 0.001)

    return app


def served(app: FastAPI) -> Server:
    return Server(app, "127.0.0.1", 0, "app", {})


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """A process imports uvicorn's parts with its first server, and many times as slowly while it is traced."""
    with served(FastAPI()).start():
        pass


@pytest.mark.parametrize(
    ("work", "cancels", "state", "text"),
    [
        (raises, False, "raised", "LookupError: kaput"),
        (ends, False, "ended", ""),
        (goes_on, False, "waits", ""),
        (goes_on, True, "cancelled", ""),
    ],
)
async def test_a_task_of_the_app_is_seen_with_what_became_of_it(
    work: Callable[[], Coroutine[Any, Any, None]], cancels: bool, state: str, text: str
) -> None:
    watch = Watch()
    server = served(app_that_runs(work, cancels=cancels))
    server.watch(watch)
    with server.start():
        async with httpx.AsyncClient(base_url=server.url) as client:
            await client.get("/hides", params={"times": 0})
        (seen,) = watch.tasks()
    assert (seen.name, seen.state, seen.text) == (work.__name__, state, text)
    assert seen.place.startswith("test_watching.py:") == (state in ("raised", "waits")), seen
    if state == "raised":
        assert [(one.name, one.place) for one in watch.caught.values()] == [("LookupError", seen.place)]


async def test_what_a_running_app_catches_is_seen_while_it_is_watched_and_no_longer() -> None:
    watch = Watch()
    with served(app_that_runs(goes_on)).start() as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            await client.get("/hides", params={"times": 1})
            assert not watch.caught
            server.watch(watch)
            await client.get("/hides", params={"times": 2})
            watch.end()
            (caught,) = watch.caught.values()
            assert caught.text.startswith("ValueError: invalid literal")
            assert caught.place.startswith("test_watching.py:")
            watch.caught.clear()
            await client.get("/hides", params={"times": 1})
            assert not watch.caught
    assert watch.tasks() == ()


def test_the_loop_of_a_watched_server_makes_tasks_as_ever() -> None:
    watch = Watch()
    named: list[str] = []

    async def names_itself() -> None:
        task = asyncio.current_task()
        assert task is not None
        named.append(task.get_name())

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            group.create_task(names_itself(), name="mine")
        yield

    server = served(FastAPI(lifespan=lifespan))
    server.watch(watch)
    with server.start():
        assert named == ["mine"]
        assert watch.tasks() == (TaskSeen("names_itself", "ended"),)


def later() -> None:
    """What a timer calls."""


async def says() -> None:
    """What a timer begins."""


def with_call_later() -> None:
    asyncio.get_running_loop().call_later(60, functools.partial(later))


def with_a_coroutine() -> None:
    asyncio.get_running_loop().call_later(60, asyncio.ensure_future, says())


def with_a_sleeping_task() -> None:
    task = asyncio.get_running_loop().create_task(asyncio.sleep(60))
    task.add_done_callback(lambda _: later())


def with_call_later_cancelled() -> None:
    asyncio.get_running_loop().call_later(60, later).cancel()


def with_a_timer_of_a_library() -> None:
    asyncio.get_running_loop().call_later(60, asyncio.Event().set)


@pytest.mark.parametrize(
    ("begin", "names"),
    [
        (with_call_later, ["later"]),
        (with_a_coroutine, ["says"]),
        (with_a_sleeping_task, ["<lambda>"]),
        (with_call_later_cancelled, []),
        (with_a_timer_of_a_library, []),
    ],
)
@pytest.mark.filterwarnings("ignore:coroutine 'says' was never awaited")
def test_a_call_that_an_app_has_left_to_the_loop_is_unfinished(begin: Callable[[], None], names: list[str]) -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        begin()

    with served(FastAPI(lifespan=lifespan)).start() as server:
        pass
    assert [one.name for one in server.unfinished] == names
    assert all(one.state == "timer" and one.place.startswith("test_watching.py:") for one in server.unfinished)
