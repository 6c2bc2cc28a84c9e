"""What the app prints, logs and raises outside the server's own thread is the server's all the same."""

from __future__ import annotations

import _thread
import asyncio
import atexit
import concurrent.futures
import contextlib
import io
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from multiprocessing.pool import ThreadPool

import httpx
import pytest
from fastapi import FastAPI

from wslab.serving import serve

logger = logging.getLogger("chat")
POOL = concurrent.futures.ThreadPoolExecutor(1)
OTHER_POOL = ThreadPool(1)
atexit.register(OTHER_POOL.terminate)  # a worker of a test run that only collects runs no fixture
Work = Callable[[], object]


class Worker(threading.Thread):
    """A thread that overrides run() and not start()."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work

    def run(self) -> None:
        self.work()


@pytest.fixture(scope="module", autouse=True)
def _pools_end() -> Iterator[None]:
    yield
    POOL.shutdown()
    OTHER_POOL.terminate()


async def joined(thread: threading.Thread) -> None:
    thread.start()
    while thread.is_alive():  # noqa: ASYNC110 - joined by a thread of a pool it would be another way than the one tried
        await asyncio.sleep(0.001)


async def in_a_thread(work: Work) -> None:
    await joined(threading.Thread(target=work))


async def in_a_subclass(work: Work) -> None:
    await joined(Worker(work))


async def with_a_run_of_its_own(work: Work) -> None:
    thread = threading.Thread()
    vars(thread)["run"] = work
    await joined(thread)


async def in_a_timer(work: Work) -> None:
    await joined(threading.Timer(0.001, work))


async def in_a_thread_of_a_thread(work: Work) -> None:
    def outer() -> None:
        inner = threading.Thread(target=work)
        inner.start()
        inner.join()

    await joined(threading.Thread(target=outer))


async def by_to_thread(work: Work) -> None:
    await asyncio.to_thread(work)


async def by_the_loops_executor(work: Work) -> None:
    await asyncio.get_running_loop().run_in_executor(None, work)


async def by_what_readies_a_pool(work: Work) -> None:
    def use() -> None:
        with concurrent.futures.ThreadPoolExecutor(1, initializer=lambda times: work(), initargs=(1,)) as pool:
            pool.submit(int).result()

    await asyncio.to_thread(use)


async def by_a_pool_made_at_import(work: Work) -> None:
    await asyncio.get_running_loop().run_in_executor(POOL, work)


async def by_a_thread_that_hands_to_a_pool(work: Work) -> None:
    await joined(threading.Thread(target=lambda: POOL.submit(work).result()))


async def by_map_of_a_pool(work: Work) -> None:
    await asyncio.to_thread(lambda: list(POOL.map(lambda _: work(), range(1))))


async def by_another_kind_of_pool(work: Work) -> None:
    await asyncio.to_thread(OTHER_POOL.apply, work)


async def by_its_map(work: Work) -> None:
    await asyncio.to_thread(OTHER_POOL.map, lambda _: work(), range(1))


async def by_its_imap(work: Work) -> None:
    await asyncio.to_thread(lambda: list(OTHER_POOL.imap(lambda _: work(), range(1))))


async def when_a_future_is_done(work: Work) -> None:
    done = asyncio.get_running_loop().create_future()
    go = threading.Event()
    future = POOL.submit(go.wait, 10)
    future.add_done_callback(lambda _: work())
    future.add_done_callback(lambda _: done.get_loop().call_soon_threadsafe(done.set_result, None))
    go.set()
    await done


async def by_call_soon(work: Work) -> None:
    asyncio.get_running_loop().call_soon(work)
    await asyncio.sleep(0.01)


async def by_call_soon_threadsafe(work: Work) -> None:
    loop = asyncio.get_running_loop()
    await joined(threading.Thread(target=loop.call_soon_threadsafe, args=(work,)))
    await asyncio.sleep(0.01)


async def by_a_coroutine_of_a_thread(work: Work) -> None:
    async def coroutine() -> None:
        work()

    loop = asyncio.get_running_loop()
    await joined(threading.Thread(target=lambda: asyncio.run_coroutine_threadsafe(coroutine(), loop).result()))


async def on_a_loop_of_a_thread(work: Work) -> None:
    async def coroutine() -> None:
        await asyncio.to_thread(work)

    await joined(threading.Thread(target=lambda: asyncio.run(coroutine())))


WAYS = (
    in_a_thread,
    in_a_subclass,
    with_a_run_of_its_own,
    in_a_timer,
    in_a_thread_of_a_thread,
    by_to_thread,
    by_the_loops_executor,
    by_what_readies_a_pool,
    by_a_pool_made_at_import,
    by_a_thread_that_hands_to_a_pool,
    by_map_of_a_pool,
    by_another_kind_of_pool,
    by_its_map,
    by_its_imap,
    when_a_future_is_done,
    by_call_soon,
    by_call_soon_threadsafe,
    by_a_coroutine_of_a_thread,
    on_a_loop_of_a_thread,
)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_it_is_in_the_servers_log_and_nowhere_else(
    way: Callable[[Work], Awaitable[None]], capfd: pytest.CaptureFixture[str]
) -> None:
    kept = sys.stderr  # as a logging library does that was imported before serve()
    app = FastAPI()

    def work() -> None:
        print("printed")
        logger.warning("logged")
        kept.write("written\n")
        print("half", end="")

    @app.get("/")
    async def root() -> None:
        await way(work)
        print(" line of the handler")

    with serve(app) as server:
        httpx.get(server.url)
        # A pool that the app has used as well is a cell's when a cell uses it.
        POOL.submit(print, "of a cell").result()
        OTHER_POOL.apply(print, ("of a cell",))
    entries = server.log.entries
    texts = [entry.text for entry in entries]
    assert texts[:3] == ["printed", "logged", "written"]
    assert "".join(texts[3:]) == "half line of the handler"
    assert {entry.connection for entry in entries} == {"#1 GET /"}
    assert {entry.place.split(":")[0] for entry in entries} == {"test_threads.py"}
    assert capfd.readouterr() == ("of a cell\n" * 2, "")


def test_a_thread_without_an_object_is_the_servers_too(capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        _thread.start_new_thread(print, ("bare",))

    with serve(app) as server:
        httpx.get(server.url)
        assert server.log.wait_for("bare").connection == "#1 GET /"
    assert capsys.readouterr() == ("", "")


def test_a_thread_of_the_app_that_raises_is_an_error_with_its_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    app = FastAPI()

    def work() -> None:
        raise ValueError("kaput")

    @app.get("/")
    async def root() -> None:
        await joined(threading.Thread(target=work, name="mine"))

    with serve(app) as server:
        httpx.get(server.url)
        (error,) = server.log.errors
    assert error.text == "Exception in thread mine: ValueError: kaput"
    assert error.place.startswith("test_threads.py:")
    assert error.connection == "#1 GET /"
    assert capsys.readouterr() == ("", "")


def test_a_hook_for_threads_is_called_for_the_app_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[object] = []

    def hook(args: threading.ExceptHookArgs) -> None:
        seen.append(args.exc_value)
        print("not into a cell")

    monkeypatch.setattr(threading, "excepthook", hook)
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        await joined(threading.Thread(target=int, args=("x",)))

    with serve(app) as server:
        httpx.get(server.url)
        assert len(server.log.errors) == 1
    assert [type(error) for error in seen] == [ValueError]
    assert capsys.readouterr() == ("", "")


def test_what_a_cell_submits_to_the_loop_is_the_servers() -> None:
    async def coroutine() -> None:
        print("on the server's loop")
        await asyncio.to_thread(print, "and from there")

    with serve(FastAPI()) as server:
        server.submit(coroutine()).result(5)
        assert [entry.text for entry in server.log.prints] == ["on the server's loop", "and from there"]


def test_a_thread_that_begins_with_the_app_prints_into_its_log() -> None:
    app = FastAPI()
    begun = threading.Thread(target=print, args=("from a thread of the app's start",))
    app.router.on_startup.append(lambda: begun.start())

    with serve(app) as server:
        begun.join()
        assert [(entry.text, entry.connection) for entry in server.log.prints] == [
            ("from a thread of the app's start", "")
        ]


async def test_a_print_while_a_cell_has_redirected_stdout_stays_out_of_the_cell() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        print("of the app")

    with serve(app) as server, contextlib.redirect_stdout(io.StringIO()) as shown:
        await asyncio.to_thread(httpx.get, server.url)
        print("of the cell")
    assert shown.getvalue() == "of the cell\n"
    assert [entry.text for entry in server.log.prints] == ["of the app"]
