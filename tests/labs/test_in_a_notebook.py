"""Checks in a real kernel: what a learner does, in and out of order; and what nbgrader makes of the outputs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient
from tests import kernels
from tests.outputs import printed, shown
from tests.points import points_of

pytestmark = pytest.mark.notebook

SETUP = """
from fastapi import FastAPI, WebSocket
from wslab import check, hint, reset, solution, use
use("en")
app = ...
"""
ECHO = """
app = FastAPI()

@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"Mesajınız: {text}")
"""


class Kernel:
    """A kernel that is sent cells, one by one."""

    def __init__(self, client: NotebookClient) -> None:
        self.client = client

    def run(self, source: str) -> Any:
        """Run one cell, whatever it raises; return it."""
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        return self.client.execute_cell(cell, len(self.client.nb.cells) - 1)


def text_of(cell: Any) -> str:
    assert not printed(cell, "stderr")
    return shown(cell)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("kernel")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WSLAB_HOME", str(folder))
        client = kernels.client(nbformat.v4.new_notebook(), folder, allow_errors=True)
        with client.setup_kernel():
            running = Kernel(client)
            running.run(SETUP)
            yield running


def test_before_anything_is_written_a_check_says_so(kernel: Kernel) -> None:
    kernel.run("app = ...")
    shown = text_of(kernel.run('await check("L1.echo", app)'))
    assert "`app` is still `...`." in shown
    assert shown.endswith("\n0")


def test_a_syntax_error_in_the_cell_before_is_told(kernel: Kernel) -> None:
    kernel.run("app = ...")
    kernel.run("app = FastAPI(\nasync def")
    shown = text_of(kernel.run('await check("L1.echo", app)'))
    assert "stopped with SyntaxError" in shown
    assert "(line 1)" in shown


def test_a_cell_that_ran_half_is_told(kernel: Kernel) -> None:
    half = kernel.run(ECHO.replace("async for text", "1 / 0\n    async for text") + "\n1 / 0\n")
    kernel.run("2 + 2")
    shown = text_of(kernel.run('await check("L1.echo", app)'))
    assert f"`In[{half.execution_count}]` stopped with ZeroDivisionError" in shown


def test_the_card_names_the_cell_that_made_the_app(kernel: Kernel) -> None:
    made = kernel.run(ECHO.replace("Mesajınız", "Mesaj")).execution_count
    kernel.run("2 + 2")
    assert f"the `app` that `In[{made}]` made" in text_of(kernel.run('await check("L1.echo", app)'))
    broken = kernel.run("1 / 0\napp = FastAPI()").execution_count
    shown = text_of(kernel.run('await check("L1.echo", app)'))
    assert f"`In[{broken}]` was to make `app` anew" in shown
    assert f"the one that `In[{made}]` made" in shown
    assert "The cell that was to make `app` stopped before it had made it." in shown
    assert "Expected" not in shown


def test_an_app_of_another_name_is_suggested(kernel: Kernel) -> None:
    kernel.run("application = FastAPI()\napp = ...")
    assert "There is an app called `application`" in text_of(kernel.run('await check("L1.echo", app)'))
    kernel.run("del application")


def test_what_several_checks_say_is_said_once(kernel: Kernel) -> None:
    kernel.run("app = ...")
    shown = text_of(kernel.run('await check("L1", app)'))
    assert shown.count("`app` is still `...`.") == 1
    assert "The same as on the card of `L1.accept`" in shown


def test_points_are_the_cells_result_and_the_card_is_html(kernel: Kernel) -> None:
    kernel.run(ECHO)
    cell = kernel.run('await check("L1.echo", app)')
    card, result = cell.outputs
    assert "wslab-check" in card.data["text/html"]
    assert "<script" not in card.data["text/html"]
    assert (result.output_type, result.data["text/plain"]) == ("execute_result", "2")
    assert result.data["text/html"] == "<span></span>"  # nothing is seen of it


def test_a_call_without_await_says_so(kernel: Kernel) -> None:
    assert "write `await` in front" in text_of(kernel.run('check("L1.echo", app)'))
    assert "write `await` in front" in text_of(kernel.run('check("L1.echo", app)\nNone'))


def test_an_unknown_check_is_a_sentence_and_no_traceback(kernel: Kernel) -> None:
    (output,) = kernel.run('await check("L1.ekko", app)').outputs
    assert output.output_type == "error"
    assert output.traceback == [
        "LabError: Lab L1 has no check 'ekko'. Its checks: L1.warmup, L1.accept, L1.echo, L1.order, L1.count, L1.relay."
    ]


def test_help_is_shown_as_a_card(kernel: Kernel) -> None:
    assert "hint 1 of 3" in text_of(kernel.run('hint("L1.relay")'))
    assert "The solution of L1.relay opens" in text_of(kernel.run('solution("L1.relay")'))


@pytest.mark.parametrize("line", ["time.sleep(600)", "while True: pass"])
def test_a_blocked_loop_leaves_the_kernel_usable(kernel: Kernel, line: str) -> None:
    kernel.run(
        "import time\n" + ECHO.replace("        await websocket.send", f"        {line}\n        await websocket.send")
    )
    begun = time.perf_counter()
    shown = text_of(kernel.run('await check("L1.echo", app)'))
    assert time.perf_counter() - begun < 15
    assert "holds the event loop" in shown
    assert "In[" in shown
    kernel.run(ECHO)
    assert text_of(kernel.run('await check("L1.echo", app)')).endswith("\n2")


def test_nbgrader_gives_a_check_its_points(kernel: Kernel) -> None:
    kernel.run(ECHO)
    for name, points in (("echo", 2), ("order", 2), ("relay", 0)):
        cell = kernel.run(f'await check("L1.{name}", app)')
        cell.metadata["nbgrader"] = {"grade": True, "solution": False, "points": 2, "grade_id": name}
        assert points_of(cell) == (points, 2)
