"""serve(): starts, answers, is replaced, refuses in sentences, stops and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import http.server
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from fastapi import FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from tests.ports import free_port
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

import wslab
from wslab.capture import capture
from wslab.language import use_language
from wslab.serving import ServerStartError, WrongApp, hang_up, serve, servers, stop_all


def echo_app() -> FastAPI:
    app = FastAPI()

    @app.get("/")
    async def root() -> dict[str, str]:
        return {"message": "here"}

    @app.websocket("/ws")
    async def echo(websocket: WebSocket) -> None:
        await websocket.accept()
        async for text in websocket.iter_text():
            await websocket.send_text(text)

    return app


def test_answers_as_soon_as_it_returns() -> None:
    server = serve(echo_app())
    assert server.host == "127.0.0.1"
    assert httpx.get(server.url).json() == {"message": "here"}
    assert server.ws_url == f"ws://127.0.0.1:{server.port}"
    assert server in servers()


async def test_clients_of_this_loop_talk_to_it() -> None:
    with serve(echo_app()) as server:
        async with websockets.connect(f"{server.ws_url}/ws") as client:
            await client.send("ğ")
            assert await asyncio.wait_for(client.recv(), 5) == "ğ"
            assert server.open_websockets == 1
    assert not server.running


async def test_awaiting_serve_by_mistake_gives_the_server() -> None:
    server = await serve(echo_app())
    assert server.running


def test_a_fixed_port_is_replaced_by_the_next_server() -> None:
    first = serve(echo_app())
    second = serve(echo_app(), port=first.port)
    assert not first.running
    assert second.port == first.port
    assert httpx.get(second.url).status_code == 200


@pytest.mark.parametrize(("language", "words"), [("en", "taken by another program"), ("tr", "başka bir programda")])
def test_a_port_held_by_somebody_else_is_named(language: str, words: str) -> None:
    use_language(language)
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        port = int(other.stdout.readline())
        with pytest.raises(ServerStartError) as caught:
            serve(echo_app(), port=port)
        other.communicate("\n", timeout=10)
    assert words in str(caught.value)
    assert str(port) in str(caught.value)
    assert caught.value._render_traceback_() == [f"ServerStartError: {caught.value}"]


@pytest.mark.parametrize("port", [-1, 65_536, "8000", 1.5, True])
def test_an_impossible_port(port: object) -> None:
    with pytest.raises(ServerStartError, match="is no port"):
        serve(echo_app(), port=port)  # type: ignore[arg-type]


def test_an_address_of_another_machine() -> None:
    with pytest.raises(ServerStartError, match="is no address of this machine"):
        serve(echo_app(), host="192.0.2.1", token=True)


def test_a_lifespan_that_raises() -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    with pytest.raises(ServerStartError, match=r"RuntimeError: no database \(test_server.py:\d+\)") as caught:
        serve(FastAPI(lifespan=lifespan))
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert not servers()


@contextlib.asynccontextmanager
async def without_a_yield(app: FastAPI) -> AsyncIterator[None]:
    return
    yield


@contextlib.asynccontextmanager
async def without_a_parameter() -> AsyncIterator[None]:
    yield


@contextlib.asynccontextmanager
async def without_parentheses(app: FastAPI) -> AsyncIterator[None]:
    asyncio.create_task(asyncio.sleep)  # type: ignore[arg-type]  # noqa: RUF006
    yield


@pytest.mark.parametrize(
    ("lifespan", "advice"),
    [
        (without_a_yield, "A lifespan needs a `yield`"),
        (without_a_parameter, "async def lifespan(app)"),
        (without_parentheses, "with parentheses"),
    ],
)
def test_a_start_that_fails_in_a_known_way_says_what_to_do(lifespan: Any, advice: str) -> None:
    with pytest.raises(ServerStartError, match=re.escape(advice)):
        serve(FastAPI(lifespan=lifespan))


def test_a_lifespan_that_never_ends() -> None:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    server = wslab.Server(FastAPI(lifespan=lifespan), "127.0.0.1", 0, None, {})
    with pytest.raises(ServerStartError, match=r"asyncio.create_task"):
        server.start(deadline=0.2)
    assert not server.running
    assert not server.thread.is_alive()


def test_a_start_whose_loop_is_held_names_the_line_and_what_was_never_awaited() -> None:
    async def ticks() -> None:
        asyncio.sleep(0.2)  # type: ignore[unused-coroutine]
        while True:
            pass

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(ticks())
        yield
        task.cancel()

    server = wslab.Server(FastAPI(lifespan=lifespan), "127.0.0.1", 0, None, {})
    with pytest.raises(ServerStartError) as caught:
        server.start(deadline=1.0)
    line = ticks.__code__.co_firstlineno + 1
    assert re.search(rf"test_server.py:({line + 1}|{line + 2}) holds the event loop", str(caught.value)), caught.value
    assert f"coroutine 'sleep' was never awaited (test_server.py:{line})" in str(caught.value)
    assert "bare await" not in str(caught.value)
    server.thread.join(5)
    assert not server.thread.is_alive()


async def handler(websocket: WebSocket) -> None: ...


@pytest.mark.parametrize(
    ("app", "options", "words"),
    [
        ("server:app", {}, "got a name"),
        (FastAPI, {}, "got the class"),
        (wslab.seed if hasattr(wslab, "seed") else sys, {}, "it got <module"),
        (handler, {}, "got a function of yours"),
        (None, {}, "needs an ASGI app"),
        ([], {}, "needs an ASGI app"),
        (FastAPI(), {"reload": True}, "reload=True restarts a process"),
        (FastAPI(), {"workers": 2}, "workers=2"),
        (FastAPI(), {"prot": 8000}, "does not know prot"),
        (FastAPI(), {"ws_ping_interval": "5"}, "takes a number of seconds as ws_ping_interval, not '5'"),
        (FastAPI(), {"ws_max_size": "1000"}, "takes a whole number as ws_max_size"),
        (FastAPI(), {"ws_max_size": None}, "takes a whole number as ws_max_size, not None"),
        (FastAPI(), {"ws_max_size": 1e6}, "takes a whole number as ws_max_size, not 1000000.0"),
        (FastAPI(), {"limit_concurrency": True}, "takes a whole number as limit_concurrency"),
        (FastAPI(), {"ws_per_message_deflate": "no"}, "takes True or False as ws_per_message_deflate"),
        (FastAPI(), {"root_path": None}, "takes a text such as '/api' as root_path, not None"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(app: object, options: dict[str, object], words: str) -> None:
    with pytest.raises(WrongApp, match=words) as caught:
        serve(app, **options)
    assert isinstance(caught.value, TypeError)


def test_a_wsgi_app_is_recognised() -> None:
    class Flask:
        def wsgi_app(self) -> None: ...

    with pytest.raises(WrongApp, match="WSGI"):
        serve(Flask())


def test_a_module_with_an_app_inside() -> None:
    from wslab import seed

    with pytest.raises(WrongApp, match=r"serve\(wslab.seed.server.app\)"):
        serve(seed.fresh("server"))


def test_any_asgi_callable_is_served() -> None:
    async def root(request: Request) -> PlainTextResponse:
        return PlainTextResponse("plain Starlette")

    assert httpx.get(serve(Starlette(routes=[Route("/", root)])).url).text == "plain Starlette"


async def test_stop_closes_websockets_with_1012() -> None:
    server = serve(echo_app())
    client = await websockets.connect(f"{server.ws_url}/ws")
    await asyncio.to_thread(server.stop)
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(client.recv(), 5)
    assert client.close_code == 1012
    assert not server.thread.is_alive()


def test_after_a_restart_the_log_counts_from_there() -> None:
    with serve(echo_app()) as server:
        begun = time.perf_counter_ns()
        server.restart()
        httpx.get(server.url)
        took = time.perf_counter_ns() - begun
        assert server.log.events
        assert all(entry.time_ns < took for entry in server.log.events)


def test_restart_keeps_the_port_and_the_name() -> None:
    server = serve(echo_app(), name="echo")
    port = server.port
    server.restart()
    assert (server.port, server.name) == (port, "echo")
    assert httpx.get(server.url).status_code == 200
    assert server in servers()


@pytest.mark.parametrize("asked", [False, True])
def test_a_port_that_somebody_took_while_the_server_was_stopped(asked: bool) -> None:
    server = serve(echo_app(), port=free_port() if asked else 0)
    server.stop()
    before = server.port
    with socket.create_server(("127.0.0.1", before)):
        if asked:
            with pytest.raises(ServerStartError, match=str(before)):
                server.start()
        else:
            server.start()
            assert server.port != before
            assert httpx.get(server.url).status_code == 200


async def test_a_handler_that_blocks_the_loop_is_abandoned_and_named() -> None:
    app = FastAPI()
    entered = threading.Event()

    @app.get("/")
    async def root() -> None:
        entered.set()
        while True:  # holds the loop
            pass

    server = serve(app)
    request = asyncio.create_task(asyncio.to_thread(httpx.get, server.url, timeout=10))
    assert await asyncio.to_thread(entered.wait, 5)
    before = time.perf_counter()
    await asyncio.to_thread(server.stop, 0.3)
    assert time.perf_counter() - before < 5
    assert "test_server.py" in server.log.warnings[-1].text
    assert "holds the event loop" in server.log.warnings[-1].text
    # A loop written in Python is even ended, so that it does not eat the kernel's time for ever.
    await asyncio.to_thread(server.thread.join, 5)
    assert not server.thread.is_alive()
    with contextlib.suppress(httpx.HTTPError):
        await request
    serve(echo_app(), port=server.port)


async def test_stop_by_force_ends_every_handler_that_holds_the_loop(capfd: pytest.CaptureFixture[str]) -> None:
    app = FastAPI()
    entered = threading.Semaphore(0)

    @app.get("/")
    async def root() -> None:
        entered.release()
        try:
            while True:  # holds the loop
                pass
        finally:
            print("on the way out")

    server = serve(app)
    requests = [asyncio.create_task(asyncio.to_thread(httpx.get, server.url, timeout=20)) for _ in range(3)]
    assert await asyncio.to_thread(entered.acquire, timeout=10)
    await asyncio.to_thread(server.stop, 0.2, force=True)
    assert not server.thread.is_alive()
    assert "holds the event loop" in server.log.warnings[-1].text
    assert "on the way out" in [entry.text for entry in server.log.prints]
    await asyncio.gather(*requests, return_exceptions=True)
    assert capfd.readouterr().out == ""


async def test_an_abandoned_thread_that_goes_on_shuts_the_app_down(capfd: pytest.CaptureFixture[str]) -> None:
    held, let_go, over = threading.Event(), threading.Event(), threading.Event()

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        over.set()

    app = FastAPI(lifespan=lifespan)

    @app.get("/hold")
    async def hold() -> None:
        held.set()
        while not let_go.is_set():
            with contextlib.suppress(BaseException):  # it does not let itself be interrupted
                let_go.wait(30)

    server = serve(app)
    async with httpx.AsyncClient() as client:
        asking = asyncio.create_task(client.get(f"{server.url}/hold", timeout=30))
        assert await asyncio.to_thread(held.wait, 10)
        abandoned = server.thread
        await asyncio.to_thread(server.stop, 0.2)
        let_go.set()
        await asyncio.to_thread(abandoned.join, 10)
        assert not abandoned.is_alive()
        await asyncio.gather(asking, return_exceptions=True)
    assert over.is_set()
    assert server.log.errors == ()
    assert "Traceback" not in capfd.readouterr().err


async def test_an_abandoned_thread_leaves_the_next_run_alone() -> None:
    held, let_go = threading.Event(), threading.Event()
    app = echo_app()

    @app.get("/hold")
    async def hold() -> str:
        held.set()
        let_go.wait(30)
        return "late"

    @app.get("/say")
    async def say() -> None:
        print("still collected")

    with serve(app) as server:
        async with httpx.AsyncClient() as client:
            asking = asyncio.create_task(client.get(f"{server.url}/hold", timeout=30))
            assert await asyncio.to_thread(held.wait, 10)
            abandoned = server.thread
            server.stop(deadline=0.2)
            asking.cancel()
            server.restart()
            let_go.set()
            await asyncio.to_thread(abandoned.join, 10)
            assert not abandoned.is_alive()
            assert server.running
            assert (await client.get(server.url)).json() == {"message": "here"}
            await client.get(f"{server.url}/say")
            assert [entry.text for entry in server.log.prints] == ["still collected"]
        server.stop()
        assert not server.thread.is_alive()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="Windows has no signals for threads")
def test_a_start_that_is_interrupted_leaves_no_server() -> None:
    @contextlib.asynccontextmanager
    async def slow(app: FastAPI) -> AsyncIterator[None]:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)  # what the ■ button does
        await asyncio.sleep(60)
        yield

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            serve(FastAPI(lifespan=slow))
    finally:
        signal.signal(signal.SIGINT, before)
    assert servers() == []
    assert [thread.name for thread in threading.enumerate() if thread.name.startswith("wslab server")] == []


@pytest.mark.parametrize("options", [{"http": "nope"}, {"headers": [("a", 1)]}], ids=["http", "headers"])
def test_an_option_that_does_not_work_is_not_blamed_on_the_app(options: dict[str, object]) -> None:
    with pytest.raises(ServerStartError, match=r"not because of the app: [A-Za-z]+Error") as raised:
        serve(echo_app(), **options)
    assert raised.value.__cause__ is not None


def test_a_page_s_path_may_lack_its_slash() -> None:
    with serve(echo_app()) as server:
        assert server.page("chat").path == server.page("/chat").path == "/chat"


def test_localhost_is_this_machine_when_a_port_is_taken_by_oneself() -> None:
    first = serve(echo_app(), host="localhost")
    second = serve(echo_app(), port=first.port)
    assert servers() == [second]


def test_a_handler_may_stop_its_own_server() -> None:
    app = FastAPI()

    @app.get("/")
    async def root() -> str:
        server.stop()
        return "goodbye"

    server = serve(app)
    assert httpx.get(server.url).json() == "goodbye"
    server.thread.join(5)
    assert not server.running


def test_a_connection_that_never_spoke_is_closed_as_well() -> None:
    for _ in range(5):
        server = serve(echo_app())
        with socket.create_connection((server.host, server.port)) as silent:
            server.stop()
            silent.settimeout(5)
            with contextlib.suppress(ConnectionResetError):
                assert silent.recv(1) == b""


def test_stopping_twice_does_nothing() -> None:
    server = serve(echo_app())
    server.stop()
    server.stop()


def test_stop_all() -> None:
    started = [serve(echo_app()) for _ in range(3)]
    assert servers() == started
    stop_all()
    assert servers() == []


def test_submit_runs_on_the_servers_own_thread() -> None:
    server = serve(echo_app())

    async def where() -> str:
        return threading.current_thread().name

    assert server.submit(where()).result(5) == server.thread.name


def test_it_says_what_it_is() -> None:
    server = serve(echo_app(), name="chat")
    assert repr(server) == f"<Server chat {server.url} · running, open WebSockets: 0>"
    assert server.url in server._repr_html_()
    server.stop()
    assert repr(server) == f"<Server chat {server.url} · stopped>"
    assert "href" not in server._repr_html_()


def test_the_reachability_probe_is_hidden_from_the_app() -> None:
    server = serve(echo_app())
    reply = httpx.get(server.url + "/.well-known/wslab")
    assert reply.text in server._repr_html_()
    assert server.log.events == ()


@contextlib.contextmanager
def an_http_server() -> Iterator[int]:
    with http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler) as held:
        thread = threading.Thread(target=held.serve_forever, name="of mine")
        thread.start()
        yield held.server_port
        held.shutdown()
        thread.join()


@contextlib.contextmanager
def a_uvicorn_of_ones_own() -> Iterator[int]:
    port = free_port()
    held = uvicorn.Server(uvicorn.Config(FastAPI(), port=port, log_level="critical"))
    thread = threading.Thread(target=held.run, name="of mine")
    thread.start()
    deadline = time.monotonic() + 10
    while not held.started and time.monotonic() < deadline:
        time.sleep(0.01)
    yield port
    held.should_exit = True
    thread.join()


@contextlib.contextmanager
def a_blocking_accept() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]

        def wait() -> None:
            sock.accept()[0].close()

        thread = threading.Thread(target=wait, name="of mine")
        thread.start()
        yield port
        socket.create_connection(("127.0.0.1", port)).close()
        thread.join()


@pytest.mark.parametrize("held", [an_http_server, a_uvicorn_of_ones_own, a_blocking_accept])
def test_a_port_that_a_thread_of_this_process_holds_is_named_as_such(
    held: Callable[[], contextlib.AbstractContextManager[int]],
) -> None:
    with held() as port, pytest.raises(ServerStartError, match=rf"Port {port} is taken by this very process: .*'of mi"):
        serve(echo_app(), port=port)


def test_a_port_that_a_forgotten_socket_holds_is_named_as_such() -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
        with pytest.raises(ServerStartError, match=r"by this very process"):
            serve(echo_app(), port=port)


ROOT_PATHS = ("", "/x", "/x/", "/user/ada/proxy/8000", "/.well-known")
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"http": "h11", "ws": "wsproto"}, {"ws": "websockets"})


@pytest.mark.parametrize("root_path", ROOT_PATHS)
@pytest.mark.parametrize("token", [False, True], ids=["open", "token"])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_behind_a_prefix_everything_is_found_where_the_client_asks(
    root_path: str, token: bool, options: dict[str, Any]
) -> None:
    app = echo_app()
    inner = echo_app()
    app.mount("/inside", inner)
    with serve(app, root_path=root_path, token=token, **options) as server, capture(server) as wire:
        for base in (server, wire):
            probe = httpx.get(f"{base.url}/.well-known/wslab")
            assert probe.status_code == 200
            assert f'"{probe.text}"' in server.page("/")._repr_html_()
            assert f'"{probe.text}"' in server._repr_html_()
            for path in ("/", "/inside/"):
                assert httpx.get(f"{base.url}{path}").json() == {"message": "here"}
            for path in ("/ws", "/inside/ws"):
                with connect(f"{base.ws_url}{path}") as client:
                    client.send("ğ")
                    assert client.recv(5) == "ğ"
        if token:
            assert httpx.get(f"http://127.0.0.1:{server.port}/").status_code == 403
    names = {entry.connection.split(" ", 1)[1] for entry in server.log.events if entry.kind == "asgi"}
    assert names == {"GET /", "GET /inside/", "/ws", "/inside/ws"}


def test_a_prefix_that_uvicorn_cannot_send_on_is_refused_with_what_to_write() -> None:
    with pytest.raises(WrongApp, match=r"percent-encoded: '/kullan%C4%B1c%C4%B1/a%20b'"):
        serve(echo_app(), root_path="/kullanıcı/a%20b")


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_an_app_with_a_prefix_of_its_own_is_probed() -> None:
    with serve(FastAPI(root_path="/api")) as server:
        assert httpx.get(f"{server.url}/.well-known/wslab").text in server._repr_html_()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


@pytest.mark.slow
@pytest.mark.parametrize("times", [30, pytest.param(200, marks=pytest.mark.proof)])
def test_many_starts_and_stops_leave_nothing(times: int) -> None:
    def once() -> None:
        with serve(echo_app()) as server, connect(f"{server.ws_url}/ws") as client:
            client.send("x")
            assert client.recv(5) == "x"

    once()
    gc.collect()
    stdout, showwarning = sys.stdout, __import__("warnings").showwarning
    threads, files = set(threading.enumerate()), descriptors()
    for _ in range(times):
        once()
    gc.collect()
    assert set(threading.enumerate()) == threads
    assert descriptors() == files
    assert sys.stdout is stdout
    assert __import__("warnings").showwarning is showwarning
    assert servers() == []


SCRIPT = """
import asyncio
{before}
import httpx, websockets
from fastapi import FastAPI, WebSocket
from wslab import serve
{after}
app = FastAPI()

@app.websocket("/ws")
async def ws(websocket: WebSocket):
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())

async def main():
    server = serve(app)
    async with websockets.connect(server.ws_url + "/ws") as client:
        await client.send("hi")
        assert await asyncio.wait_for(client.recv(), 5) == "hi"
    server.stop()
    assert not server.thread.is_alive()

asyncio.run(main())
print("fine")
"""


@pytest.mark.parametrize("package", ["nest_asyncio", "nest_asyncio2"])
@pytest.mark.parametrize("order", ["before", "after"])
def test_nest_asyncio_in_either_order(package: str, order: str) -> None:
    apply = f"import {package}; {package}.apply()"
    script = SCRIPT.format(before=apply if order == "before" else "", after=apply if order == "after" else "")
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    if package == "nest_asyncio" and sys.version_info >= (3, 14):
        assert "use nest_asyncio2" in run.stderr
    else:
        assert run.stdout == "fine\n", run.stderr


async def test_hang_up_ends_a_connection_whose_client_does_not_read() -> None:
    """Closing waits behind what the client does not read; `hang_up()` throws that away."""
    kept: list[WebSocket] = []
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        kept.append(websocket)
        await websocket.receive_text()

    async def fill_and_close() -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.5):
                while True:
                    await kept[0].send_text(secrets.token_hex(250_000))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await kept[0].close(1013)
        assert server.open_websockets == 1
        server.hang_up(kept[0])

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws", compression=None) as client:
            client.transport.pause_reading()
            await asyncio.wait_for(asyncio.wrap_future(server.submit(fill_and_close())), 10)
            await server.log.arrival("handler.end", 10)
            assert server.open_websockets == 0
            server.hang_up(kept[0])
            client.transport.abort()
    server.hang_up(kept[0])


async def test_hang_up_finds_the_server_also_while_it_stops() -> None:
    app, said = FastAPI(), list[str]()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        writing = asyncio.create_task(pour(websocket))
        async for _ in websocket.iter_text():
            pass
        writing.cancel()
        hang_up(websocket)

    async def pour(websocket: WebSocket) -> None:
        while True:
            await websocket.send_text(secrets.token_hex(250_000))

    with serve(app) as server:
        async with websockets.connect(f"{server.ws_url}/ws", compression=None) as client:
            client.transport.pause_reading()
            await asyncio.sleep(0.3)
            await asyncio.to_thread(server.stop)
            said += [entry.text for entry in server.log.events if "graceful shutdown exceeded" in entry.text]
            client.transport.abort()
    assert said == []
