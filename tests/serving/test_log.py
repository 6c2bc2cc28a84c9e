"""What the app prints, warns and raises is collected, with time, connection and the reader's own line."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import gc
import io
import logging
import multiprocessing.pool
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import websockets
from fastapi import FastAPI, WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from wslab.language import use_language
from wslab.serving import Log, ServerStartError, serve
from wslab.serving.observing import FROM_ELSEWHERE


async def talk(url: str, *messages: str) -> None:
    async with websockets.connect(url) as client:
        for message in messages:
            await client.send(message)
        await client.recv()


async def test_prints_are_collected_with_connection_and_place(capsys: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        print("one", end=" ")
        print("line")
        sys.stdout.writelines(["two\n"])
        await websocket.send_text(await websocket.receive_text())

    @app.get("/")
    def in_a_thread_of_the_pool() -> None:
        print("from the pool")

    server = serve(app)
    await talk(f"{server.ws_url}/ws", "x")
    await asyncio.to_thread(httpx.get, server.url)
    first, written, second = server.log.prints
    assert (first.text, first.connection) == ("one line", "#1 /ws")
    assert (written.text, written.connection) == ("two", "#1 /ws")
    assert first.place.startswith("test_log.py:")
    assert (second.text, second.connection) == ("from the pool", "#2 GET /")
    assert first.time_ns < second.time_ns
    print("mine")
    assert capsys.readouterr().out == "mine\n"


def test_a_line_without_an_end_is_kept_apart_from_another_connections() -> None:
    app = FastAPI()

    @app.get("/{name}")
    async def root(name: str) -> None:
        print(name, end="")

    with serve(app) as server:
        for name in ("first", "second"):
            httpx.get(f"{server.url}/{name}")
            server.log.wait_for(name)  # the line ends with the handler, and not with the next one that prints
        told = [(entry.text, entry.connection) for entry in server.log.prints]
    assert told == [("first", "#1 GET /first"), ("second", "#2 GET /second")]


async def test_a_coroutine_that_was_never_awaited_is_named_with_its_line() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        websocket.accept()
        await websocket.receive_text()

    server = serve(app)
    for _ in range(2):  # a second run must warn again
        with pytest.raises(InvalidStatus) as caught:
            await websockets.connect(f"{server.ws_url}/ws")
        assert caught.value.response.status_code == 500
    gc.collect()
    lines = [entry for entry in server.log.warnings if "never awaited" in entry.text]
    assert [entry.text for entry in lines] == ["RuntimeWarning: coroutine 'WebSocket.accept' was never awaited"] * 2
    assert lines[0].place == lines[1].place != ""
    assert [entry.connection for entry in lines] == ["#1 /ws", "#2 /ws"]
    error = await server.log.arrival(lambda entry: entry.kind == "error")
    assert 'Need to call "accept" first' in error.text


async def test_a_traceback_is_folded_to_the_readers_own_lines() -> None:
    app = FastAPI()

    def inner() -> None:
        raise ValueError("kaput")

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        inner()

    server = serve(app)
    client = await websockets.connect(f"{server.ws_url}/ws")
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 5)
    error = await server.log.arrival("kaput")
    assert error.text == "ValueError: kaput"
    assert [line.split(", in ")[1].split(":")[0] for line in error.detail.splitlines()] == ["ws", "inner"]
    assert error.detail.splitlines()[-1].startswith(error.place)
    assert "starlette" in error.traceback
    assert "starlette" not in error.detail
    assert "starlette" in server.log._repr_html_()


def fails() -> None:
    raise ValueError("kaput")


async def fails_later() -> None:
    await asyncio.sleep(0)
    fails()


async def goes_on() -> None:
    await asyncio.Event().wait()


async def bare() -> None:
    await fails_later()


async def in_a_group() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(goes_on())
        group.create_task(fails_later())


async def in_a_group_of_anyio() -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(goes_on)
        group.start_soon(fails_later)


async def in_a_group_of_groups() -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(in_a_group())


async def in_a_hundred_tasks() -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(fails_later())


async def in_a_group_by_hand() -> None:
    try:
        fails()
    except ValueError as error:
        raise BaseExceptionGroup("by hand", [ExceptionGroup("inside", [error])]) from None


GROUPS = (bare, in_a_group, in_a_group_of_anyio, in_a_group_of_groups, in_a_hundred_tasks, in_a_group_by_hand)
Failing = Callable[[], Awaitable[None]]


@pytest.mark.parametrize("failing", GROUPS, ids=lambda failing: failing.__name__)
@pytest.mark.parametrize("where", ["handler", "task", "logged"])
def test_an_exception_in_a_group_is_named_as_if_it_had_come_alone(failing: Failing, where: str) -> None:
    app = FastAPI()
    tasks: list[asyncio.Future[None]] = []

    @app.get("/")
    async def root() -> None:
        if where == "handler":
            await failing()
        elif where == "task":
            tasks.append(asyncio.ensure_future(failing()))
            await asyncio.wait(tasks)
            tasks.clear()
            gc.collect()
        else:
            try:
                await failing()
            except BaseException:
                logging.getLogger("chat").exception("it failed")

    with serve(app) as server:
        httpx.get(server.url)
        server.log.wait_for("kaput")
        (error,) = server.log.errors
    note = "Task exception was never retrieved: " if where == "task" else ""
    assert error.text == f"{note}ValueError: kaput"
    assert error.place == f"test_log.py:{fails.__code__.co_firstlineno + 1}"
    assert error.detail.splitlines()[-1] == f'{error.place}, in fails: raise ValueError("kaput")'


def test_what_is_logged_with_an_exception_is_told_with_it() -> None:
    app = FastAPI()
    chat = logging.getLogger("chat")

    @app.get("/")
    async def root() -> None:
        try:
            raise KeyError("name")
        except KeyError as error:
            chat.exception("the greeting of %s failed", "Ada")
            chat.warning("tried again", exc_info=error)

    with serve(app) as server:
        httpx.get(server.url)
        told = [(entry.kind, entry.text) for entry in server.log]
        assert "KeyError" in server.log._repr_html_()
    assert told == [
        ("log", "the greeting of Ada failed"),
        ("error", "KeyError: 'name'"),
        ("warning", "tried again"),
        ("warning", "KeyError: 'name'"),
    ]


def test_each_exception_of_a_group_is_told() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        raise ExceptionGroup("two", [LookupError("one"), ExceptionGroup("more", [OSError("two"), LookupError("one")])])

    with serve(app) as server:
        with connect(f"{server.ws_url}/ws") as client, pytest.raises(ConnectionClosed):
            client.recv(5)
        server.log.wait_for("two")
        assert [error.text for error in server.log.errors] == ["LookupError: one", "OSError: two"]
        assert all("more" in error.traceback for error in server.log.errors)


def test_a_group_of_disconnects_is_a_disconnect() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        async with asyncio.TaskGroup() as outer, asyncio.TaskGroup() as inner:
            inner.create_task(websocket.receive_text())
            outer.create_task(goes_on())

    with serve(app) as server:
        with connect(f"{server.ws_url}/ws"):
            pass
        error = server.log.wait_for(lambda entry: entry.kind == "error")
        assert error.text.startswith("starlette.websockets.WebSocketDisconnect")
        assert len(server.log.errors) == 1


def test_a_start_that_fails_in_a_group_is_named_by_the_exception_in_it() -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await in_a_group()
        yield

    with pytest.raises(ServerStartError, match=r"ValueError: kaput \(test_log\.py:\d+\)") as caught:
        serve(FastAPI(lifespan=lifespan))
    assert type(caught.value.__cause__) is ValueError


def test_what_a_lifespan_raises_at_its_end_has_the_line_that_raised_it() -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(in_a_group())
        yield
        await task

    with serve(FastAPI(lifespan=lifespan)) as server:
        pass
    error = server.log.errors[0]
    assert error.text == "ValueError: kaput"
    assert error.place.startswith("test_log.py:"), error.place
    assert "in lifespan" in error.detail
    assert "Traceback" in error.traceback


async def test_a_task_that_dies_unseen_is_collected() -> None:
    app = FastAPI()

    async def dies() -> None:
        raise LookupError("nobody looks at me")

    @app.get("/")
    async def root() -> None:
        task = asyncio.create_task(dies())
        await asyncio.sleep(0)
        del task
        gc.collect()

    server = serve(app)
    await asyncio.to_thread(httpx.get, server.url)
    entry = await server.log.arrival("nobody looks at me")
    assert entry.text.startswith("Task exception was never retrieved")


def test_logging_and_stderr_are_collected_and_kept_from_other_handlers() -> None:
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    logging.getLogger().addHandler(handler)
    try:
        app = FastAPI()

        @app.get("/")
        async def root() -> None:
            logging.getLogger("chat").warning("careful, %s", "Ada")
            print("to stderr", file=sys.stderr)

        server = serve(app)
        httpx.get(server.url)
        logging.getLogger("chat").warning("from the notebook")
        assert [entry.text for entry in server.log.warnings] == ["careful, Ada"]
        assert [entry.text for entry in server.log.prints] == ["to stderr"]
        assert shown.getvalue() == "from the notebook\n"
    finally:
        logging.getLogger().removeHandler(handler)


def test_two_servers_keep_apart() -> None:
    def app(name: str) -> FastAPI:
        made = FastAPI()

        @made.get("/")
        async def root() -> None:
            print(name)

        return made

    one, two = serve(app("one")), serve(app("two"))
    httpx.get(two.url)
    httpx.get(one.url)
    assert [entry.text for entry in one.log] == ["one"]
    assert [entry.text for entry in two.log] == ["two"]


def hooked() -> dict[str, Any]:
    """What a cell finds where servers might have left something."""
    holders = (
        sys.stdout,
        sys.stderr,
        type(sys.stdout),
        warnings,
        logging.Logger,
        logging.getLogger(),
        threading.Thread,
    )
    pools = (concurrent.futures.ThreadPoolExecutor, concurrent.futures.Future, multiprocessing.pool.ThreadPool)
    return {
        "streams": (sys.stdout, sys.stderr),
        "attributes": [dict(vars(holder)) for holder in (*holders, *pools)],
        "classes": [type(holder) for holder in holders],
        "handlers": [list(logging.getLogger(name).handlers) for name in ("", "uvicorn", "uvicorn.access")],
        "levels": [logging.getLogger(name).level for name in ("", "uvicorn.error", "uvicorn.access", "uvicorn.asgi")],
        "filters": list(warnings.filters),
    }


def test_everything_is_as_it_was_after_the_last_server(capsys: pytest.CaptureFixture[str]) -> None:
    before = hooked()
    one, two = serve(FastAPI()), serve(FastAPI())
    one.stop()
    assert hooked() != before
    assert sys.stdout is before["streams"][0]
    two.stop()
    assert hooked() == before


def test_what_a_cell_has_put_on_top_meanwhile_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[threading.Thread] = []
    original = threading.Thread.start

    def start(thread: threading.Thread) -> None:
        started.append(thread)
        original(thread)

    for _ in range(3):
        with serve(FastAPI()):
            monkeypatch.setattr(threading.Thread, "start", start)
        assert vars(threading.Thread)["start"] is start
        thread = threading.Thread(target=int)
        thread.start()
        assert started[-1] is thread
        monkeypatch.undo()
        assert threading.Thread.start is original


def test_a_log_file_of_the_app_is_written_and_nothing_is_shown_by_its_handlers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    class Prints(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            print("shown", record.getMessage())

    logger = logging.getLogger("of-the-app")
    logger.propagate = False
    handlers = [logging.FileHandler(tmp_path / "app.log"), logging.StreamHandler(sys.stderr), Prints()]
    for handler in handlers:
        logger.addHandler(handler)
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        logger.warning("from the app")
        logger.warning("%d clients", "three")

    try:
        with serve(app) as server:
            httpx.get(server.url)
            logger.warning("from a cell")
            assert [entry.text for entry in server.log.warnings] == ["from the app"]
            assert "--- Logging error ---" in [entry.text for entry in server.log.prints]
            assert (tmp_path / "app.log").read_text(encoding="utf-8").splitlines()[:2] == [
                "from the app",
                "from a cell",
            ]
            assert capsys.readouterr() == ("shown from a cell\n", "from a cell\n")
    finally:
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
        logger.propagate = True


def test_what_a_cell_does_to_logging_hides_nothing_of_the_server() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        raise ValueError("kaput")

    with serve(app) as server:
        logger = logging.getLogger("uvicorn.error")
        logger.setLevel(logging.CRITICAL)
        logger.disabled = True
        try:
            assert httpx.get(server.url).status_code == 500
            assert server.log.wait_for("kaput").text == "ValueError: kaput"
        finally:
            logger.setLevel(logging.NOTSET)
            logger.disabled = False


async def test_a_clients_task_is_not_the_servers_although_its_thread_collects_the_garbage(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> None:
        gc.collect()

    async def client() -> None:
        raise LookupError("of the client")

    gc.disable()
    try:
        with serve(app) as server:
            around: list[object] = [asyncio.create_task(client())]
            around.append(around)  # only the garbage collector frees it
            await asyncio.sleep(0)
            del around
            await asyncio.to_thread(httpx.get, server.url)
            assert "never retrieved" in caplog.text
            assert server.log.errors == ()
    finally:
        gc.enable()


def test_the_table_reads_well_in_both_languages() -> None:
    log = Log()
    assert repr(log) == "The server has printed, warned and raised nothing."
    log.add("print", "merhaba <b>", connection="#1 /ws", place="In[2] line 3")
    log.add("asgi", "websocket.send")
    assert repr(log).endswith(" #1 /ws       printed   merhaba <b>  [In[2] line 3]")
    assert len(log) == 1
    assert len(log.events) == 2
    log.add("print", "\x1b[31mred\x1b[0m")
    assert log.prints[-1].text == "\x1b[31mred\x1b[0m"
    assert "printed   red\n" in repr(log) + "\n"
    log.add("print", "\r1/2\x1b[K\r2/2\x00\r")
    assert log.prints[-1].text == "\r1/2\x1b[K\r2/2\x00\r"
    assert "printed   2/2\n" in repr(log) + "\n"
    log.add("print", "half \ud83d")
    log.add("error", "ValueError: \ud83d", traceback="ValueError: \ud83d")
    assert "printed   half \\ud83d\n" in repr(log)
    assert log._repr_html_().encode().count(rb"\ud83d") == 4
    use_language("tr")
    page = log._repr_html_()
    assert "yazdırdı" in page
    assert "merhaba &lt;b&gt;" in page


def test_it_is_bounded() -> None:
    log = Log(bound=3)
    for number in range(5):
        log.add("print", str(number))
    assert [entry.text for entry in log] == ["2", "3", "4"]
    assert log.dropped == 2
    assert "2 older entries were dropped" in repr(log)


def test_waiting_for_what_does_not_come_says_what_came() -> None:
    log = Log()
    log.add("print", "something else")
    with pytest.raises(TimeoutError, match="something else"):
        log.wait_for("never", deadline=0.01)


def test_waiting_is_ended_by_the_entry_itself() -> None:
    log = Log()
    waiter = threading.Thread(target=lambda: log.add("print", "here"))
    waiter.start()
    assert log.wait_for("here", deadline=5).text == "here"
    waiter.join()


@pytest.mark.parametrize("ended", [False, True])
async def test_a_message_from_another_thread_is_told_while_its_server_runs(ended: bool) -> None:
    """A list may keep the connections of a server that has ended; what is sent to these says nothing about threads."""
    app = FastAPI()
    held: list[WebSocket] = []

    @app.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        held.append(websocket)
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    server = serve(app)
    async with websockets.connect(f"{server.ws_url}/ws") as client:
        await client.send("x")
        await asyncio.wait_for(client.recv(), 20)
        if ended:
            await asyncio.to_thread(server.stop)
        with contextlib.suppress(RuntimeError, WebSocketDisconnect):
            await asyncio.wait_for(held[0].send_text("y"), 20)
    server.stop()
    assert [entry.text.startswith(FROM_ELSEWHERE) for entry in server.log.warnings] == [True] * (not ended)
