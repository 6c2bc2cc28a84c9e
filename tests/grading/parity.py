"""Honest notebooks of one lab in every shape that a kernel runs, and what each is worth."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from tests.grading.corpus import Sample, sample, server_cell

LAB = "L1"
MODULE = "chat.py"


@dataclass(frozen=True)
class Honest:
    """A notebook as somebody hands it in.

    Attributes:
        name: what is special about it; also its student.
        notebook: the notebook, not run.
        files: what lies beside it.
        in_nbgrader: whether nbgrader judges it; docs/nbgrader.md says what it does not.
    """

    name: str
    notebook: NotebookNode
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    in_nbgrader: bool = True

    def write(self, folder: Path) -> None:
        """Hand it in: `folder/<student>/<lab>/…`, as nbgrader collects it."""
        home = folder / self.name / SOLVED.lab.slug
        home.mkdir(parents=True)
        nbformat.write(self.notebook, home / f"{SOLVED.lab.slug}.ipynb")
        for name, text in self.files.items():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())


SOLVED: Sample = sample(LAB, "solution")


def place(notebook: NotebookNode, id: str) -> int:
    return next(number for number, cell in enumerate(notebook.cells) if cell.id == id)


def solved(*edits: Callable[[NotebookNode], None]) -> NotebookNode:
    """The solution, edited."""
    notebook = SOLVED.notebook
    for edit in edits:
        edit(notebook)
    return notebook


def server(*sources: str) -> Callable[[NotebookNode], None]:
    """The last source stands in the cell for the server, the others in cells above it."""

    def edit(notebook: NotebookNode) -> None:
        server_cell(notebook).source = sources[-1]
        at = place(notebook, "server")
        notebook.cells[at:at] = [new_code_cell(source) for source in sources[:-1]]

    return edit


def below(*sources: str, id: str = "check-relay") -> Callable[[NotebookNode], None]:
    """Cells directly below another one."""

    def edit(notebook: NotebookNode) -> None:
        at = place(notebook, id) + 1
        notebook.cells[at:at] = [new_code_cell(source) for source in sources]

    return edit


def above_all(source: str) -> Callable[[NotebookNode], None]:
    """The first cell begins with it."""

    def edit(notebook: NotebookNode) -> None:
        first = next(cell for cell in notebook.cells if cell.cell_type == "code")
        first.source = f"{source}\n{first.source}"

    return edit


def copied_below(notebook: NotebookNode) -> None:
    """The cell of the server, copied with its metadata and changed, as an experiment."""
    again = copy.deepcopy(server_cell(notebook))
    again.id, again.source = "copied", "app = FastAPI()"
    notebook.cells.append(again)


def with_large_outputs(notebook: NotebookNode) -> None:
    """Outputs as a server that prints in a loop leaves them: many parts, and a long one."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("stream", name="stdout", text=f"{number}\n") for number in range(500)]
    server_cell(notebook).outputs.append(new_output("stream", name="stderr", text="x" * (3 << 20)))


def with_carriage_returns(notebook: NotebookNode) -> None:
    """Every line ends as an editor of Windows ends it."""
    for cell in notebook.cells:
        cell.source = cell.source.replace("\n", "\r\n")


def split(notebook: NotebookNode) -> None:
    """The cell of the server as two."""
    upper = server_cell(notebook)
    lower = copy.deepcopy(upper)
    lower.id = "lower"
    above, _, rest = upper.source.partition("\n\n\n@app.websocket")
    upper.source, lower.source = above, f"@app.websocket{rest}"
    notebook.cells.insert(notebook.cells.index(upper) + 1, lower)


def without_names(notebook: NotebookNode) -> None:
    """Every cell without id and metadata, as Colab leaves it."""
    notebook.nbformat_minor = 4
    notebook.metadata.pop("wslab", None)
    for cell in notebook.cells:
        cell.pop("id", None)
        cell.metadata.clear()


RIGHT = server_cell(sample(LAB, "right_set_and_iterator").notebook).source
MEMBERS = """
class Room:
    def __init__(self) -> None:
        self.members: list[Member] = []

    def join(self, websocket: WebSocket) -> Member:
        self.members.append(Member(self, websocket))
        return self.members[-1]


class Member:
    def __init__(self, room: Room, websocket: WebSocket) -> None:
        self.room, self.websocket = room, websocket
"""
SHOWS = "from IPython.display import HTML, display\n\ndisplay(HTML('<b>x</b>'))\n"
THREAD = "import threading, time\n\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
FUTURE = "from __future__ import annotations"
ANOTHER = "\n\n\n@app.websocket('/ws')\nasync def other(websocket: WebSocket):\n    await websocket.accept()"


def honest() -> dict[str, Honest]:
    """All of them, by name."""
    module = {MODULE: RIGHT}
    written = f"%%writefile {MODULE}\n{RIGHT}"
    shapes: dict[str, tuple[NotebookNode, Mapping[str, str | bytes]]] = {
        "solution": (solved(), {}),
        "stub": (sample(LAB, "stub").notebook, {}),
        **{
            name.replace("_", "-"): (sample(LAB, name).notebook, {})
            for name in (
                "relays_to_self",
                "never_removes",
                "no_await_on_accept",
                "returns_after_one",
                "counts_before_accept",
                "forgets_the_f",
                "right_manager_with_queues",
                "right_set_and_iterator",
            )
        },
        "future-in-the-first-cell": (solved(above_all(FUTURE), server(MEMBERS, "room = Room()\n" + RIGHT)), {}),
        "future-in-a-cell-of-its-own": (solved(server(FUTURE, MEMBERS, "room = Room()\n" + RIGHT)), {}),
        "no-future": (solved(server(MEMBERS, "room = Room()\n" + RIGHT)), {}),
        "writefile-and-import": (solved(server(written, f"from {MODULE[:-3]} import app")), {}),
        "writefile-and-run": (solved(server(written, f"%run {MODULE}")), {}),
        "module-beside": (solved(server("from chat import app")), module),
        "package-beside": (solved(server("from kit.chat import app")), {"kit/__init__.py": "", "kit/chat.py": RIGHT}),
        "all-of-a-module": (solved(server("from chat import *")), module),
        "module-missing": (solved(server("from chat import app")), {}),
        "data-beside": (solved(server("assert open('data/x.txt').read() == 'x'\n" + RIGHT)), {"data/x.txt": "x"}),
        "data-missing": (solved(server("open('data/x.txt')\n" + RIGHT)), {}),
        "get-ipython": (
            solved(server("ip = get_ipython()\nip.run_line_magic('load_ext', 'autoreload')\n%autoreload 2\n" + RIGHT)),
            {},
        ),
        "time-of-the-cell": (solved(server("%%time\n" + RIGHT)), {}),
        "time-of-an-await": (solved(server("%%time\nawait asyncio.sleep(0)", RIGHT)), {}),
        "captured": (solved(server("%%capture seen\n" + RIGHT)), {}),
        "shell": (solved(server("names = !echo one\nassert names == ['one']\n!echo\n" + RIGHT)), {}),
        "unknown-magic-alone": (solved(server("%no_such_magic", RIGHT)), {}),
        "last-value": (solved(server("40 + 2", "assert _ == 42 and Out\n" + RIGHT)), {}),
        "top-level-await": (solved(server("import asyncio\nready = await asyncio.sleep(0, True)\n" + RIGHT)), {}),
        "runs-uvicorn": (solved(below("import uvicorn\nuvicorn.run(app)", id="server")), {}),
        "main-guard": (
            solved(server(RIGHT + "\n\nif __name__ == '__main__':\n    import uvicorn\n\n    uvicorn.run(app)")),
            {},
        ),
        "no-file": (solved(server("import os\nhere = os.path.dirname(__file__)", RIGHT)), {}),
        "asks-alone": (solved(server("name = input('name?')", RIGHT)), {}),
        "asks-in-the-server": (solved(server("port = int(input('port?'))\n" + RIGHT)), {}),
        "stops-in-the-middle": (solved(server("1 / 0", "raise SystemExit", "def f(:", RIGHT)), {}),
        "made-by-a-function": (
            solved(server(f"def make():\n    global app\n    {RIGHT.replace(chr(10), chr(10) + '    ')}\n\nmake()")),
            {},
        ),
        "split": (solved(split), {}),
        "another-app": (solved(below("app = FastAPI()" + ANOTHER)), {}),
        "another-app-unpacked": (solved(below("app, clients = FastAPI(), []" + ANOTHER, id="reflection")), {}),
        "another-app-in-a-block": (solved(below("if True:\n    app: FastAPI = FastAPI()", id="check-all")), {}),
        "app-deleted": (solved(below("del app")), {}),
        "routes-cleared": (solved(below("app.router.routes.clear()")), {}),
        "globals-changed": (solved(below("connected_clients = None")), {}),
        "copied-below": (solved(copied_below), {}),
        "another-app-in-a-loop": (solved(below("for app in [FastAPI()]:\n    pass")), {}),
        "another-app-by-a-walrus": (solved(below("print(app := FastAPI())", id="reflection")), {}),
        "another-app-imported": (solved(below("from chat import app", id="check-all")), {MODULE: "app = None"}),
        "another-app-by-a-function": (
            solved(below("def anew():\n    global app\n    app = FastAPI()", "anew()")),
            {},
        ),
        "another-app-in-globals": (solved(below("globals()['app'] = FastAPI()")), {}),
        "large-outputs": (solved(with_large_outputs), {}),
        "carriage-returns": (solved(with_carriage_returns), {}),
        "alias": (solved(server("%alias say echo\n%say one\n%alias_magic when time\n%when 1\n" + RIGHT)), {}),
        "bash-cell": (solved(server("%%bash\necho one", RIGHT)), {}),
        "there-and-back": (solved(server("import os\nos.mkdir('made')\n%cd made", "%cd ..", RIGHT)), {}),
        "run-with-these-names": (solved(server("WHO = 'A'", f"%run -i {MODULE}")), {MODULE: "assert WHO\n" + RIGHT}),
        "environment": (solved(server("%env WHO=A\nimport os\nassert os.environ['WHO'] == 'A'\n" + RIGHT)), {}),
        "asks-for-help": (solved(server("%timeit -n1 -r1 pass\n" + RIGHT + "\n\nFastAPI?")), {}),
        "shows-something": (
            solved(
                server("from IPython.display import HTML, display\ndisplay(HTML('<b>x</b>'))\n" + RIGHT + "\n\napp")
            ),
            {},
        ),
        "async-with": (solved(server("import asyncio\nasync with asyncio.timeout(5):\n    pass", RIGHT)), {}),
        "logs": (solved(server("import logging\nlogging.basicConfig(level='DEBUG')\n" + RIGHT)), {}),
        "a-thread": (
            solved(
                server(
                    "import threading, time\nthreading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
                    + RIGHT
                )
            ),
            {},
        ),
        "module-of-windows": (
            solved(server("from chat import app")),
            {MODULE: ("# -*- coding: cp1254 -*-\n# ığüşöç\n" + RIGHT).encode("cp1254")},
        ),
    }
    # nbgrader knows a cell by its name alone, and these have lost theirs.
    nameless = Honest("nameless", solved(without_names, experiment_at_the_end), in_nbgrader=False)
    return {name: Honest(name, notebook, files) for name, (notebook, files) in shapes.items()} | {"nameless": nameless}


def experiment_at_the_end(notebook: NotebookNode) -> None:
    """An experiment at the end of a notebook whose cells have no names."""
    cell = new_code_cell("app = FastAPI()" + ANOTHER)
    cell.pop("id", None)
    notebook.cells.append(cell)
