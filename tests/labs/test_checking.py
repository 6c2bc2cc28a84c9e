"""check(): from a cell that awaits and one that doesn't, with an app and with anything else."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket

import wslab.seed.server
from wslab.errors import LabError
from wslab.labs import check, checking, transcript
from wslab.labs.checking import attempts_left
from wslab.progress import store
from wslab.serving import every_server, servers, stop_all

Printed = pytest.CaptureFixture[str]
app = wslab.seed.server.app


async def test_the_documents_own_server_earns_everything(capsys: Printed) -> None:
    assert await check("L1", app) == 10
    out, err = capsys.readouterr()
    assert "L1 · Echo and count: 10 of 10 points" in out
    assert "✓ L1.relay · The others hear of it, the sender does not: 2 of 2 points" in out
    assert err == ""


async def test_one_check_returns_its_points_as_a_number(capsys: Printed) -> None:
    points = await check("L1.echo", app)
    assert (points, repr(points)) == (2, "2")  # nbgrader reads the number off the cell's output
    assert "L1 ·" not in capsys.readouterr().out


async def test_names_are_forgiving() -> None:
    assert await check(" l1.ECHO ", app) == 2


def test_a_script_runs_it_without_a_loop() -> None:
    assert check("L1.accept", app).run() == 2


async def test_without_an_app_the_variable_app_is_meant() -> None:
    assert await check("L1.accept") == 2


def test_a_call_without_await_says_so(capsys: Printed) -> None:
    check("L1.echo", app)
    gc.collect()
    assert capsys.readouterr().out == 'Nothing was checked yet: write `await` in front, `await check("L1.echo", …)`.\n'
    shown = check("L1.echo", app)
    assert "write `await` in front" in repr(shown)
    assert "<code>await</code>" in shown._repr_html_()
    del shown
    assert capsys.readouterr().out == ""  # told once


@pytest.mark.parametrize("name", ["L1.nothing", "L99", "", "echo"])
async def test_an_unknown_name_is_one_sentence(name: str) -> None:
    with pytest.raises(LabError) as caught:
        check(name, app)
    assert "L1" in str(caught.value)
    with pytest.raises(LabError, match=r"L1\.echo"):
        transcript("L1")


@pytest.mark.parametrize(
    ("given", "misconception", "sentence"),
    [
        (..., "no-app", "`app` is still `...`."),
        (None, "no-app", "`app` is None."),
        ("server:app", "wrong-app", "got a name"),
        (FastAPI, "wrong-app", "got the class"),
        (wslab.seed.server.root, "wrong-app", "a function of yours"),
        (sys, "wrong-app", "got"),
        (42, "wrong-app", "42"),
    ],
)
async def test_what_is_no_app_has_a_sentence_of_its_own(
    given: Any, misconception: str, sentence: str, capsys: Printed
) -> None:
    assert await check("L1.echo", given) == 0
    out, err = capsys.readouterr()
    assert sentence in out
    assert "Traceback" not in out
    assert err == ""
    assert [attempt.verdict for attempt in store().attempts("L1", "echo")] == [f"-{misconception}"]
    assert attempts_left("L1", "echo") == 3


async def test_a_missing_name_has_a_sentence_of_its_own(capsys: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(globals(), "app")
    assert await check("L1.echo") == 0
    assert "There is no `app` in this notebook." in capsys.readouterr().out


@pytest.mark.parametrize("given", [..., app])
async def test_the_error_of_the_cell_before_is_told(
    given: Any, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = SyntaxError("invalid syntax", ("<cell>", 3, 1, "x = = 1", 3, 4))
    shell = SimpleNamespace(last_execution_result=SimpleNamespace(error_before_exec=error), user_ns={"In": ["", "x"]})
    monkeypatch.setattr(checking, "ipython_shell", lambda: shell)
    points = await check("L1.accept", given)
    out = capsys.readouterr().out
    assert "stopped with SyntaxError: invalid syntax (line 3)" in out
    assert ("What was checked is the app from before." in out) == (given is app)
    assert points == (2 if given is app else 0)


async def test_an_app_that_does_not_start_has_a_sentence_of_its_own(capsys: Printed) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        raise RuntimeError("no database")
        yield

    assert await check("L1", FastAPI(lifespan=lifespan)) == 0
    out = capsys.readouterr().out
    assert "no database" in out
    assert "never came as far as answering a client" in out


async def test_a_start_that_never_ends_is_given_up(capsys: Printed) -> None:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await asyncio.Event().wait()
        yield

    begun = time.perf_counter()
    assert await check("L1", FastAPI(lifespan=lifespan)) == 0
    assert time.perf_counter() - begun < 15
    assert "create_task" in capsys.readouterr().out


async def test_a_whole_lab_is_not_gone_on_with_where_nothing_passes(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "_LONG_ENOUGH", 0.0)
    assert await check("L1", FastAPI()) == 0
    verdicts = {attempt.check: attempt.verdict for attempt in store().attempts("L1")}
    assert verdicts["accept"] == "no-handler"
    assert verdicts["order"] == verdicts["relay"] == "-not-reached"
    assert "name it alone: `L1.relay`" in " ".join(capsys.readouterr().out.split())
    assert await check("L1", app) == 10


async def test_the_server_stays_up_for_the_next_check_of_the_same_app() -> None:
    await check("L1.accept", app)
    (first,) = every_server()
    await check("L1.echo", app)
    assert every_server() == [first]
    other = FastAPI()
    await check("L1.accept", other)
    assert first not in every_server()
    assert len(every_server()) == 1


async def test_a_checks_own_server_is_not_among_the_readers() -> None:
    """Whoever asks for `servers()` sees what the cells started; `stop_all()` stops the others, too."""
    await check("L1.accept", app)
    assert every_server()
    assert servers() == []
    stop_all()
    assert every_server() == []


async def test_a_queue_made_at_the_top_works_in_check_after_check() -> None:
    chat = FastAPI()
    queue: asyncio.Queue[int] = asyncio.Queue()

    @chat.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        while True:
            text = await websocket.receive_text()
            waiting = asyncio.create_task(queue.get())  # it waits, and so belongs to this loop from now on
            await asyncio.sleep(0)
            queue.put_nowait(1)
            await waiting
            await websocket.send_text(f"Mesajınız: {text}")

    assert [await check("L1.echo", chat), await check("L1.order", chat), await check("L1.echo", chat)] == [2, 2, 2]


async def test_two_checks_at_once_take_turns() -> None:
    assert await asyncio.gather(check("L1.count", app), check("L1.echo", app), check("L1.count", app)) == [2, 2, 2]


async def test_an_interrupt_breaks_the_check_off() -> None:
    slow = FastAPI()
    judged = threading.Event()
    switching = sys.getswitchinterval()
    threads = set(threading.enumerate())

    @slow.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()
        judged.set()
        await asyncio.Event().wait()

    async def waited() -> float:
        return await check("L1.order", slow)

    task = asyncio.create_task(waited())
    assert await asyncio.to_thread(judged.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await check("L1.accept", app) == 2  # it waits for the one before to have tidied up
    assert sys.getswitchinterval() == switching
    left = set(threading.enumerate()) - threads
    assert [thread.name for thread in left if thread.name.startswith("wslab-capture")] == []


async def test_every_byte_of_the_last_run_can_be_looked_at() -> None:
    with pytest.raises(LabError, match="has not been checked"):
        transcript("L1.echo")
    await check("L1.echo", app)
    wire = transcript("L1.echo")
    assert [response.status for response in wire.responses] == [101]
    assert "Mesajınız:   İğne iplik" in str([message.text for message in wire.messages])


async def test_attempts_are_kept_and_the_same_again_is_none() -> None:
    blank = FastAPI()
    for _ in range(3):
        await check("L1.accept", blank)
    assert [attempt.verdict for attempt in store().attempts("L1", "accept")] == ["no-handler"]
    assert attempts_left("L1", "accept") == 2
    await check("L1.accept", FastAPI())
    await check("L1.accept", FastAPI())
    assert attempts_left("L1", "accept") == 0
    await check("L1.accept", app)
    assert store().attempts("L1", "accept")[-1].verdict == "passed"


async def test_in_a_notebook_only_a_new_text_is_a_new_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ["", "app = FastAPI()", 'await check("L1.accept", app)']
    shell = SimpleNamespace(user_ns={"In": cells})
    monkeypatch.setattr(checking, "ipython_shell", lambda: shell)
    await check("L1.accept", FastAPI())
    cells += ["app = FastAPI() ", 'await check("L1.accept", app)']
    await check("L1.accept", FastAPI())
    assert len(store().attempts("L1", "accept")) == 1
    cells += ["app = FastAPI(debug=True)", 'await check("L1.accept", app)']
    await check("L1.accept", FastAPI())
    assert len(store().attempts("L1", "accept")) == 2


async def test_nothing_written_yet_is_no_attempt_that_counts() -> None:
    stub = FastAPI()

    @stub.websocket("/ws")
    async def endpoint(websocket: WebSocket) -> None: ...

    await check("L1", stub)
    verdicts = {attempt.check: attempt.verdict for attempt in store().attempts("L1")}
    assert verdicts["accept"] == "-never-accepted"
    assert verdicts["echo"] == "-needs-another"
    assert attempts_left("L1", "accept") == attempts_left("L1", "echo") == 3


async def test_a_progress_file_that_cannot_be_written_is_told_and_nothing_else(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WSLAB_HOME", str(tmp_path / "file" / "below"))
    assert await check("L1.accept", app) == 2
    assert "Not saved" in capsys.readouterr().out
