"""A submission's cells run as in a kernel: what one leaves, the next one has."""

from __future__ import annotations

import pytest

from wslab.authoring.proof.corpus import submissions
from wslab.grading.grading import grade
from wslab.grading.isolation import isolated, sandbox
from wslab.grading.task import Cell, Result, Task

pytestmark = pytest.mark.slow

RIGHT = next(one.source for one in submissions("L1") if one.name == "right_set_and_iterator")


def graded(*cells: str, language: str = "en", files: tuple[tuple[str, bytes], ...] = ()) -> Result:
    named = tuple(Cell(f"In[{number}]", source) for number, source in enumerate(cells, 1))
    return grade(Task("x", "L1", language, named, files=files))


def notes(result: Result) -> str:
    return "\n".join(map(str, result.notes))


@pytest.mark.parametrize(
    "cells",
    [
        ("from __future__ import annotations", "class A:\n    def b(self) -> B: ...\nclass B: ...", RIGHT),
        ("%%writefile chat.py\n" + RIGHT, "from chat import app"),
        ("%%writefile chat.py\n" + RIGHT, "%run chat.py"),
        (
            "%%writefile chat.py\napp = 1",
            "import chat, importlib",
            "%%writefile chat.py\n" + RIGHT,
            "app = importlib.reload(chat).app",
        ),
        ("ip = get_ipython()\nip.run_line_magic('load_ext', 'autoreload')\n%autoreload 2\n" + RIGHT,),
        ("%%time\n" + RIGHT, "x = %time 3\nassert x == 3"),
        ("%%capture out\nprint('seen')\n" + RIGHT, "assert out.stdout == 'seen\\n'\nkept = app\ndel app", "app = kept"),
        ("x = 2 + 2\nx", "assert _ == 4 and Out[1] == 4 and 'x' in In[1]\n" + RIGHT),
        (
            "import asyncio\nassert await asyncio.sleep(0, 3) == 3",
            "async def some():\n    yield 1\nasync for y in some():\n    pass\nassert [x async for x in some()] == [1]",
            RIGHT,
        ),
        ("from IPython import get_ipython as gi\nassert gi() is get_ipython()\ndisplay(1)\n" + RIGHT,),
        ("try:\n    __file__\nexcept NameError:\n    pass\nelse:\n    1 / 0\nassert __name__ == '__main__'\n" + RIGHT,),
        (
            "import os\nos.makedirs('data')\nopen('data/x', 'w').write('1')\nassert open('data/x').read() == '1'\n"
            + RIGHT,
        ),
        ("import os\nos.makedirs('sub')\nhere = os.getcwd()", "%cd sub\n%cd ..\nassert os.getcwd() == here\n" + RIGHT),
        ("import decimal\ndecimal.getcontext().prec = 50", "assert decimal.getcontext().prec == 50\n" + RIGHT),
        (
            "from contextvars import ContextVar\nimport asyncio\nname = ContextVar('name', default='')\n"
            "await asyncio.sleep(0)\nname.set('x')",
            "assert name.get() == ''\n" + RIGHT,
        ),
        (
            "assert get_ipython().__class__.__name__ == 'ZMQInteractiveShell'\n"
            "assert 'IPKernelApp' in get_ipython().config\n" + RIGHT,
        ),
        ("import getpass, pathlib\ngetpass.getuser(), pathlib.Path.home()\nprint('\\ud83d')\n" + RIGHT,),
        ("import socket\nassert socket.getaddrinfo('localhost', 80)[0][4] == ('127.0.0.1', 80)\n" + RIGHT,),
        (
            "import multiprocessing\nwith multiprocessing.Pool(1) as pool:\n    assert pool.map(abs, [-1]) == [1]\n"
            + RIGHT,
        ),
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'pass'], check=True)\n" + RIGHT,),
        (RIGHT + "\nif __name__ == '__main__':\n    import uvicorn\n    uvicorn.run(app)",),
        (RIGHT, "exit()", "quit()", "raise SystemExit", "1 / 0", "def f(:"),
        ("%pip install rich\n!pip install rich\n%matplotlib inline\n%load_ext nothing_such\n%nothing_such\n" + RIGHT,),
        ("%nothing_such", "%%nothing_such\nx", "files = !ls\nlen(files)\n!ls\n" + RIGHT),
    ],
    ids=lambda cells: cells[0].partition("\n")[0][:40],
)
def test_an_honest_lab_earns_everything(cells: tuple[str, ...]) -> None:
    result = graded(*cells)
    assert result.score == result.max_score, notes(result)


@pytest.mark.parametrize("start", ["forked", "fresh"])
def test_modules_and_data_lie_in_the_working_folder(start: sandbox.Start, monkeypatch: pytest.MonkeyPatch) -> None:
    if start == "fresh":
        monkeypatch.setattr(sandbox, "namespace_mode", lambda: "")  # as where there is no bubblewrap
    big = ("big.txt", b"x" * 3_000_000)  # more than a message of the submission's own may have
    files = (("chat.py", RIGHT.encode()), ("data/name.txt", "ı".encode()), ("../outside", b""), big)
    cells = (
        "from chat import app",
        "assert open('data/name.txt', encoding='utf-8').read() == 'ı'\nassert len(open('big.txt').read()) == 3_000_000",
    )
    task = Task("x", "L1", "en", tuple(Cell(f"In[{n}]", one) for n, one in enumerate(cells, 1)), files=files)
    result = grade(task, start=start if start == "fresh" else None)
    assert (result.score, notes(result)) == (result.max_score, "")


def test_input_is_said_plainly() -> None:
    result = graded(RIGHT, "name = input('name?')")
    assert result.score == result.max_score
    assert "`In[2]` stopped with StdinNotImplementedError: input() asks a reader, and nobody answers" in notes(result)
    assert "puanlamada yanıt verecek kimse yok" in notes(graded(RIGHT, "input()", language="tr"))


def test_a_cell_that_is_interrupted_ran_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated, "_CELL", 1.0)
    result = graded(RIGHT, "import time\ntime.sleep(1000)", "raise KeyboardInterrupt")
    assert result.score == result.max_score
    assert "`In[2]` ran too long, and was interrupted after 1 s." in notes(result)
    assert "`In[3]` stopped with KeyboardInterrupt" in notes(result)  # it did not run long
    lost = graded("import time\ntime.sleep(1000)\n" + RIGHT)
    assert {one.observed.into("tr") for one in lost.verdicts} == {"`In[1]` çok uzun sürdü ve 1 saniye sonra kesildi."}


def test_what_is_not_run_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = "%pip install rich\n!python -m pip install rich\n%nothing_such 1\n"
    # Shell commands run in bubblewrap's namespaces alone, which a checkout in the temporary folder does not get.
    listed = ["a"] if sandbox.namespace_mode() else []
    told = notes(graded(lines + f"open('a', 'w')\nx = !ls\nassert x == {listed}\n" + RIGHT))
    for line in ("%pip install rich", "!python -m pip install rich", "%nothing_such 1"):
        assert f"`In[1]` has a line that was not run: `{line}`." in told
    assert "stopped" not in told
    monkeypatch.setattr(sandbox, "namespace_mode", lambda: "")
    result = graded("x = !ls\nassert x == []\n!ls", "%%bash\nls", RIGHT)
    assert "`In[1]` has a line that was not run: `!ls`." in notes(result)
    assert "`In[2]` has a line that was not run: `%%bash`." in notes(result)
    assert "stopped" not in notes(result)
