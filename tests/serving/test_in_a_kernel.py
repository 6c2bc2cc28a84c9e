"""serve() in a real Jupyter kernel: cells run twice, the ■ button, restarts and shutdown."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest
from tests.serving.kernels import Kernel

pytestmark = pytest.mark.notebook

APP = """
from wslab import serve, servers, use
from fastapi import FastAPI, WebSocket
use("en")
app = FastAPI()

@app.get("/")
async def root():
    return "here"
"""


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    running = Kernel()
    yield running
    running.stop()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_cell_run_twice_replaces_its_own_server_and_no_other(kernel: Kernel) -> None:
    kernel.run(APP)
    kernel.run("a = serve(app, name='a'); b = serve(app, name='b')", cell="one")
    kernel.run("c = serve(app, name='c')", cell="two")
    kernel.run("a = serve(app, name='a2'); b = serve(app, name='b2')  # edited", cell="one")
    assert kernel.run("print([s.name for s in servers()])").strip() == "['c', 'a2', 'b2']"


def test_a_front_end_that_tells_no_cell_is_served_as_well(kernel: Kernel) -> None:
    kernel.run(APP)
    for _ in range(2):
        kernel.run("a = serve(app, name='a')")
    assert kernel.run("print([s.name for s in servers()])").strip() == "['a']"


def test_a_loop_in_one_cell_starts_as_many_as_it_says(kernel: Kernel) -> None:
    kernel.run(APP)
    kernel.run("many = [serve(app, name=str(n)) for n in range(3)]", cell="one")
    assert kernel.run("print([s.name for s in servers()])").strip() == "['0', '1', '2']"


def test_an_error_is_one_sentence(kernel: Kernel) -> None:
    kernel.run(APP)
    shown = kernel.run("serve('server:app')")
    assert shown.startswith("WrongApp: serve('server:app') got a name.")
    assert "Traceback" not in shown


def test_places_are_cells(kernel: Kernel) -> None:
    kernel.run(APP)
    kernel.run(
        "import urllib.request, asyncio\n@app.get('/p')\nasync def p():\n    print('hello')\nserver = serve(app)"
    )
    kernel.run("await asyncio.to_thread(lambda: urllib.request.urlopen(server.url + '/p').read())")
    shown = kernel.run("server.log")
    assert "hello  [In[2] line 4]" in shown


def test_what_the_app_displays_is_in_its_log_and_in_no_cell(kernel: Kernel) -> None:
    kernel.run(APP)
    kernel.run(
        """
import asyncio, logging, urllib.request
import rich
from IPython.display import HTML, clear_output, display
from rich.logging import RichHandler

logging.getLogger("r").addHandler(RichHandler())
handle = display("old", display_id=True)

@app.get("/p")
async def p():
    rich.print("by [b]rich[/b]")
    await asyncio.to_thread(display, "in a thread")
    display(HTML("<b>page</b>"))
    clear_output()
    logging.getLogger("r").warning("logged once")
    handle.update("new")

server = serve(app)
"""
    )
    ask = "urllib.request.urlopen(server.url + '/p').read()"
    shown = kernel.run(f"print('mine')\nawait asyncio.to_thread(lambda: {ask})\ndisplay('shown')")
    assert shown == "mine\n'shown'"
    logged = kernel.run("print([one.text.replace('\x1b[1m', '').replace('\x1b[0m', '') for one in server.log])")
    assert logged.strip() == str(["by rich", "'in a thread'", "<IPython.core.display.HTML object>", "logged once"])
    assert kernel.run("print(server.log[0].place)").strip() == "In[2] line 11"
    # And a cell displays as ever, while the server runs and after it.
    for code in ("display('a')", "server.stop()\ndisplay('a')"):
        assert kernel.run(code) == "'a'"


def stopped(kernel: Kernel) -> float:
    """Seconds until a cell that awaits has ended by the ■ button."""
    request = kernel.start("print('waiting', flush=True)\nawait asyncio.sleep(60)")
    waiting = kernel.client.get_iopub_msg(timeout=30)
    while waiting["msg_type"] != "stream":
        waiting = kernel.client.get_iopub_msg(timeout=30)
    # The cell prints before it awaits; only once the loop sleeps does the interrupt need the heartbeat.
    time.sleep(0.5)
    before = time.perf_counter()
    kernel.manager.interrupt_kernel()
    shown = kernel.output(request)
    assert "KeyboardInterrupt" in shown or "CancelledError" in shown
    return time.perf_counter() - before


def test_the_stop_button_ends_a_cell_that_awaits_within_half_a_second(kernel: Kernel) -> None:
    kernel.run(APP)
    kernel.run("import asyncio; server = serve(app)")
    # 0.2 s by design; a busy machine may keep the kernel waiting once, but hardly three times.
    assert any(stopped(kernel) < 0.5 for _ in range(3))
    assert kernel.run("import urllib.request; print(server.running)").strip() == "True"


def test_below_a_cell_that_failed_stands_what_the_server_raised(kernel: Kernel) -> None:
    made = """
import httpx, websockets
from fastapi import FastAPI, WebSocket
from wslab import serve
app = FastAPI()

@app.get("/")
def root():
    return clients

@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    await websocket.receive_text()

server = serve(app)
"""
    kernel.run(made)
    shown = kernel.run("httpx.get(server.url).json()")
    assert "JSONDecodeError" in shown
    told = "While this cell ran, this was raised in the server: NameError: name 'clients' is not defined (In[1] line 8)"
    assert told in shown
    assert "raised in the server" not in kernel.run("1 / 0"), "it is not of this cell"
    left = kernel.run("async with websockets.connect(f'{server.ws_url}/ws'):\n    pass\n1 / 0")
    assert "ZeroDivisionError" in left
    assert "raised in the server" not in left, "a client that leaves is no fault"
    assert "raised in the server" not in kernel.run("httpx.get(server.url)"), "a cell that did not fail"


LISTENING = """
import asyncio
from fastapi import FastAPI, WebSocket
from wslab import serve
app = FastAPI()

@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    while True:
        await websocket.receive_text()

server = serve(app)
"""
SENDING = """
import websockets
async with websockets.connect(f"{server.ws_url}/ws") as client:
    print("sending", flush=True)
    while True:
        await client.send("x")
"""
COUNTING = """
async def count():
    print("counting", flush=True)
    while True:
        pass

await count()
"""


@pytest.mark.parametrize("code", [SENDING, COUNTING], ids=["sends", "counts"])
@pytest.mark.parametrize("after", [0, 0.6], ids=["at once", "later"])
def test_the_stop_button_ends_a_cell_that_holds_the_loop(kernel: Kernel, code: str, after: float) -> None:
    kernel.run(LISTENING)
    request = kernel.start(code)
    while kernel.client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
        pass
    time.sleep(after)  # the loop is held by then, or not yet long enough to count as held
    kernel.manager.interrupt_kernel()
    shown = kernel.output(request, timeout=120)  # without help it never comes
    assert "KeyboardInterrupt" in shown or "CancelledError" in shown
    assert kernel.run("await asyncio.sleep(0)\nprint(server.running)").strip() == "True"


@pytest.mark.parametrize("end", ["restart", "shutdown", "kill"])
def test_no_port_outlives_the_kernel(kernel: Kernel, end: str) -> None:
    kernel.run(APP)
    port = int(kernel.run("server = serve(app); print(server.port)"))
    assert listens(port)
    if end == "restart":
        kernel.manager.restart_kernel(now=False)
    else:
        kernel.manager.shutdown_kernel(now=end == "kill")
    assert not listens(port)
