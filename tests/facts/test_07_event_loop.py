"""What notebook 07 teaches about `receive_text()` and the event loop; each test names the fact it holds on to.

The order of every film is asserted by event. What a handler waits for is an event of the test, never the clock.
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import nbformat
import pytest
import websockets
from fastapi import FastAPI, WebSocket
from tests import kernels
from tests.outputs import printed

from wslab.authoring.building import notebook
from wslab.predictions.catalogue import find
from wslab.predictions.question import Choice
from wslab.progress.database import store
from wslab.recording import Recording, Step, record
from wslab.serving import Server, serve

ROOT = Path(__file__).parents[2]
DEADLINE = 10
RECEIVE = "await websocket.receive_text()"
ADA, BORA, CEM = "endpoint · Ada", "endpoint · Bora", "endpoint · Cem"


def resumed(step: Step) -> str | None:
    return step.resumed.code if step.resumed else None


def let_go(step: Step) -> str | None:
    return step.let_go.code if step.let_go else None


def bars(film: Recording) -> list[tuple[str, str | None, str | None]]:
    """Each step: whose it is, where it resumed, where it let go."""
    return [(film.lanes[step.lane].name, resumed(step), let_go(step)) for step in film.steps]


def sent(server: Server) -> list[str]:
    return [entry.detail for entry in server.log.events if entry.text == "websocket.send"]


async def receive(client: websockets.ClientConnection) -> str | bytes:
    return await asyncio.wait_for(client.recv(), DEADLINE)


# -- receive_text() -----------------------------------------------------------------------------------------


async def test_six_prints_and_six_bars() -> None:
    """`receive_text()` lets others run and goes on at that very line: the order is that of the messages."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        print(f"{name} bekliyor")
        await websocket.receive_text()
        print(f"{name} aldı")

    with serve(app) as server:
        url = f"{server.ws_url}/ws?name="
        with record(server) as film:
            async with (
                websockets.connect(url + "Ada") as ada,
                websockets.connect(url + "Bora") as bora,
                websockets.connect(url + "Cem") as cem,
            ):
                for client, name in ((cem, "Cem"), (ada, "Ada"), (bora, "Bora")):
                    await client.send("Merhaba")
                    await server.log.arrival(f"{name} aldı", DEADLINE)
        printed = [entry.text for entry in server.log.prints]
    assert printed == ["Ada bekliyor", "Bora bekliyor", "Cem bekliyor", "Cem aldı", "Ada aldı", "Bora aldı"]
    assert bars(film) == [
        (ADA, None, RECEIVE),
        (BORA, None, RECEIVE),
        (CEM, None, RECEIVE),
        (CEM, RECEIVE, None),
        (ADA, RECEIVE, None),
        (BORA, RECEIVE, None),
    ]


async def test_fifty_handlers_one_thread() -> None:
    """Thousands of connections on one thread: every handler is a task of the same loop."""
    threads: list[int] = []
    tasks: set[Any] = set()
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        threads.append(threading.get_ident())
        tasks.add(asyncio.current_task())
        await websocket.accept()
        await websocket.receive_text()

    with serve(app) as server:
        async with AsyncExitStack() as guests:
            for _ in range(50):
                await guests.enter_async_context(websockets.connect(f"{server.ws_url}/ws"))
            assert threads == [server.thread.ident] * 50
            assert len(tasks) == 50


# -- who holds the loop, and who lets go --------------------------------------------------------------------


def kitchen(serving: threading.Event) -> FastAPI:
    """A server whose slow wish is over when the test sets `serving`, and not by the clock."""
    app = FastAPI()

    def block() -> None:
        print("busy")
        while not serving.is_set():
            time.sleep(0.01)

    async def block_in_async_def() -> None:
        block()

    async def block_after_letting_go_once() -> None:
        await asyncio.sleep(0)
        block()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        while True:
            data = await websocket.receive_text()
            if data == "time.sleep":
                block()
            if data == "async def":
                await block_in_async_def()
            if data == "sleep(0) before it":
                await block_after_letting_go_once()
            if data == "to_thread":
                await asyncio.to_thread(block)
            if data == "asyncio.sleep":
                print("busy")
                while not serving.is_set():  # noqa: ASYNC110 - sleeping is what is tested
                    await asyncio.sleep(0.001)
            await websocket.send_text(f"Mesajınız: {data}")

    return app


async def seen_blocking(film: Recording) -> None:
    """Return when the recorder has seen the line that holds the loop, which it does after 50 ms."""
    async with asyncio.timeout(DEADLINE):
        while not any(block.place for block in film.so_far().blocks):  # noqa: ASYNC110 - a film has no event
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("wish", ["time.sleep", "async def", "sleep(0) before it"])
async def test_a_handler_that_blocks_is_answered_first(wish: str) -> None:
    """Bug f: `time.sleep` in a handler freezes all; `async def` around it changes nothing, nor does one `sleep(0)`."""
    serving = threading.Event()
    with serve(kitchen(serving)) as server:
        url = f"{server.ws_url}/ws?name="
        async with websockets.connect(url + "Ada") as ada, websockets.connect(url + "Bora") as bora:
            with record(server) as film:
                await ada.send(wish)
                await server.log.arrival("busy", DEADLINE)
                await bora.send("Selam")
                await seen_blocking(film)
                serving.set()
                assert await receive(ada) == f"Mesajınız: {wish}"
                assert await receive(bora) == "Mesajınız: Selam"
        assert sent(server) == [f"Mesajınız: {wish}", "Mesajınız: Selam"]
    # One bar for her whole wish, or two where she let go once before she blocked; then his.
    assert film.order == ((ADA, BORA) if wish != "sleep(0) before it" else (ADA, ADA, BORA))
    holding = film.steps[-2]
    assert let_go(holding) == RECEIVE
    block = max((block for block in film.blocks if block.step == holding.number), key=lambda one: one.end - one.start)
    assert block.place is not None
    assert block.place.function.endswith("block")


@pytest.mark.parametrize(
    ("wish", "line"),
    [("asyncio.sleep", "await asyncio.sleep(0.001)"), ("to_thread", "await asyncio.to_thread(block)")],
)
async def test_a_handler_that_awaits_is_overtaken(wish: str, line: str) -> None:
    """`await asyncio.sleep()` and `await asyncio.to_thread()` let go of the loop; whoever comes meanwhile is served."""
    serving = threading.Event()
    with serve(kitchen(serving)) as server:
        url = f"{server.ws_url}/ws?name="
        async with websockets.connect(url + "Ada") as ada, websockets.connect(url + "Bora") as bora:
            with record(server) as film:
                await ada.send(wish)
                await server.log.arrival("busy", DEADLINE)
                await bora.send("Selam")
                assert await receive(bora) == "Mesajınız: Selam"
                serving.set()
                assert await receive(ada) == f"Mesajınız: {wish}"
        assert sent(server) == ["Mesajınız: Selam", f"Mesajınız: {wish}"]
    hers, his = film.steps_of(ADA), film.steps_of(BORA)
    assert (resumed(hers[0]), let_go(hers[0])) == (RECEIVE, line)
    assert (resumed(hers[-1]), let_go(hers[-1])) == (line, RECEIVE)
    assert [(resumed(step), let_go(step)) for step in his] == [(RECEIVE, RECEIVE)]
    assert hers[0].number < his[0].number < hers[-1].number


# -- await does not always let go ---------------------------------------------------------------------------


async def test_awaiting_what_need_not_wait_gives_nobody_a_turn() -> None:
    """“await hands control back to the loop”: not always; `sleep(0)` does."""
    turns: list[str] = []

    async def ready() -> int:
        return 42

    async def other() -> None:
        turns.append("other")

    task = asyncio.create_task(other())
    for _ in range(1000):
        assert await ready() == 42
    assert turns == []
    await asyncio.sleep(0)
    assert turns == ["other"]
    await task


def flooding(asked: threading.Event, rest: str) -> FastAPI:
    """Sends one message, waits (blocking) until the next client's message is on its way, and then sends 1000 more."""
    app = FastAPI()

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        while True:
            data = await websocket.receive_text()
            if data == "hepsi":
                await websocket.send_text("SUNUCU: 0")
                assert asked.wait(DEADLINE)
                for number in range(1, 1001):
                    await websocket.send_text(f"SUNUCU: {number}")
                    if rest == "each":
                        await asyncio.sleep(0)
                if rest == "after":
                    await asyncio.sleep(0)
            await websocket.send_text(f"Mesajınız: {data}")

    return app


async def flood(rest: str) -> tuple[Recording, int]:
    """The film, and how many of Ada's messages had gone out when the server took Bora's."""
    asked = threading.Event()
    with serve(flooding(asked, rest)) as server:
        url = f"{server.ws_url}/ws?name="
        async with websockets.connect(url + "Ada") as ada, websockets.connect(url + "Bora") as bora:
            async with asyncio.timeout(2 * DEADLINE):
                with record(server) as film:
                    await ada.send("hepsi")
                    assert await ada.recv() == "SUNUCU: 0"
                    await bora.send("Selam")
                    asked.set()
                    assert await bora.recv() == "Mesajınız: Selam"
                    while await ada.recv() != "Mesajınız: hepsi":
                        pass
        details = [entry.detail for entry in server.log.events]
        before = details[: details.index("Selam")]
    return film, sum(detail.startswith("SUNUCU") for detail in before)


@pytest.mark.parametrize("rest", ["never", "after"])
async def test_a_tight_loop_of_sends_holds_the_loop(rest: str) -> None:
    """A tight `await send_text()` loop starves everyone like `time.sleep`; a `sleep(0)` outside the loop is in vain."""
    film, before = await flood(rest)
    assert before == 1001
    first = film.steps[0]
    assert (film.lanes[first.lane].name, resumed(first)) == (ADA, RECEIVE)
    assert let_go(first) == (RECEIVE if rest == "never" else "await asyncio.sleep(0)")
    assert film.order == ((ADA, BORA) if rest == "never" else (ADA, ADA, BORA))


async def test_sleep_zero_in_the_loop_lets_others_in() -> None:
    """With `sleep(0)` the one beside it is served at one of the first gaps."""
    film, before = await flood("each")
    assert 1 < before < 1001
    hers, his = film.steps_of(ADA), film.steps_of(BORA)
    assert [(resumed(step), let_go(step)) for step in his] == [(RECEIVE, RECEIVE)]
    assert len(hers) == 1001
    assert {let_go(step) for step in hers[:-1]} == {"await asyncio.sleep(0)"}
    assert hers[0].number < his[0].number < hers[-1].number


async def test_a_full_buffer_makes_send_text_wait() -> None:
    """`await send_text()` does not suspend *while the write buffer has room*; for a client that never reads it does."""
    app = FastAPI()
    text = "x" * 65_536

    @app.websocket("/ws")
    async def endpoint(websocket: WebSocket, name: str) -> None:
        await websocket.accept()
        data = await websocket.receive_text()
        for _ in range(2000 if data == "hepsi" else 0):
            await websocket.send_text(text)
        await websocket.send_text(f"Mesajınız: {data}")

    with serve(app, ws_per_message_deflate=False) as server:
        url = f"{server.ws_url}/ws?name="
        async with websockets.connect(url + "Ada", compression=None) as ada, websockets.connect(url + "Bora") as bora:
            ada.transport.pause_reading()
            with record(server) as film:
                await ada.send("hepsi")
                await bora.send("Selam")
                assert await receive(bora) == "Mesajınız: Selam"
            ada.transport.abort()
    assert film.order[0] == ADA
    assert let_go(film.steps_of(ADA)[0]) == "await websocket.send_text(text)"


async def test_receive_text_does_not_let_go_while_messages_are_queued() -> None:
    """Five hundred messages that arrive while the handler blocks are answered in one bar."""
    arrived = threading.Event()
    with serve(kitchen(arrived)) as server:
        async with websockets.connect(f"{server.ws_url}/ws?name=Ada") as ada:
            with record(server) as film:
                await ada.send("time.sleep")
                await server.log.arrival("busy", DEADLINE)
                for _ in range(500):
                    await ada.send("Selam")
                arrived.set()
                assert [await receive(ada) for _ in range(501)][-1] == "Mesajınız: Selam"
    assert len(film.steps_of(ADA)) == 2


async def test_the_pool_of_to_thread_is_bounded() -> None:
    """Four threads more than processors, at most 32."""
    processors = getattr(os, "process_cpu_count", os.cpu_count)() or 1
    size = min(32, processors + 4)
    together = threading.Barrier(size, timeout=DEADLINE)

    def meet() -> int:
        together.wait()
        return threading.get_ident()

    # As many as the pool has can meet; one more than that would leave nobody for the others' barrier.
    idents = await asyncio.gather(*(asyncio.to_thread(meet) for _ in range(3 * size)))
    assert len(set(idents)) == size


async def test_cancelling_does_not_stop_the_thread() -> None:
    begun, free, ended = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        free.wait(DEADLINE)
        ended.set()

    task = asyncio.create_task(asyncio.to_thread(work))
    while not begun.is_set():  # noqa: ASYNC110 - the thread's event, seen from the loop
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not ended.is_set()
    free.set()
    assert await asyncio.to_thread(ended.wait, DEADLINE)


# -- the notebook itself ------------------------------------------------------------------------------------

FILMS = ("film", "awaiting", "blocking", "wrapped", "threaded", "starved", "mended")


@pytest.mark.notebook
def test_the_films_of_the_notebook() -> None:
    """The notebook in a real kernel: each outcome is the one that the course calls right, each film tells its order."""
    cells: nbformat.NotebookNode = notebook(ROOT, "07", "en")
    cells.cells += [nbformat.v4.new_code_cell(f"print({name}.to_json())") for name in FILMS]
    kernels.client(cells).execute()
    shown = [printed(cell) for cell in cells.cells[-len(FILMS) :]]
    films = {name: Recording.from_json(text) for name, text in zip(FILMS, shown, strict=True)}

    assert bars(films["film"]) == [
        (ADA, None, RECEIVE),
        (BORA, None, RECEIVE),
        (CEM, None, RECEIVE),
        (CEM, RECEIVE, None),
        (ADA, RECEIVE, None),
        (BORA, RECEIVE, None),
    ]

    for name, line in (
        ("awaiting", "await asyncio.sleep(0.5)"),
        ("threaded", "await asyncio.to_thread(count_primes, 0.5)"),
    ):
        told = bars(films[name])
        assert told[0] == (ADA, RECEIVE, line)
        assert told[1] == (BORA, RECEIVE, RECEIVE)
        assert sorted(told[2:], key=str) == sorted([(ADA, line, RECEIVE), *[(BORA, RECEIVE, RECEIVE)] * 2], key=str)

    for name, function in (("blocking", "endpoint"), ("wrapped", "count_primes")):
        assert bars(films[name]) == [(ADA, RECEIVE, RECEIVE), *[(BORA, RECEIVE, RECEIVE)] * 3]
        places = [block.place for block in films[name].blocks if block.step == 1]
        assert any(place is not None and function in place.function for place in places)

    assert bars(films["starved"]) == [(ADA, RECEIVE, RECEIVE), (BORA, RECEIVE, RECEIVE)]
    assert any(block.step == 1 for block in films["starved"].blocks)

    hers, his = films["mended"].steps_of(ADA), films["mended"].steps_of(BORA)
    assert [let_go(step) for step in hers] == ["await asyncio.sleep(0)"] * 100 + [RECEIVE]
    assert len(his) == 1
    assert hers[0].number < his[0].number < hers[-1].number

    outcomes = {f"{row.unit}.{row.name}": row for row in store().outcomes()}
    names = ("order", "threads", "sleep", "wrapper", "thread", "flood", "mended")
    assert set(outcomes) == {f"07.{name}" for name in names}
    assert outcomes.pop("07.threads").measured == "1"
    for key, row in outcomes.items():
        question = find(key)
        assert isinstance(question, Choice)
        assert [one.id for one in question.options if one.right] == [row.option], key
