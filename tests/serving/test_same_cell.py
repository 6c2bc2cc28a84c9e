"""serve() changes nothing for code that is not the server's: the same cells with and without a server, compared.

Each cell is run three times: before a server runs, while one runs (and is busy), and after it has stopped. A second
process runs the same cells and starts no server.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.serving.kernels import Kernel

CELLS = {
    "logger": 'import logging\nlog = logging.getLogger("client")\nlog.warning("careful")\nlog.info("not to be seen")',
    "a library's error": 'import logging\nlogging.getLogger("websockets.client").error("connection lost")',
    "logged exception": "import logging\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
    '    logging.getLogger("client").exception("no division")',
    "logging.warning()": 'import logging\nlogging.warning("by the module")',
    "basicConfig()": 'import logging\nlogging.basicConfig(level=logging.INFO)\nlogging.getLogger("client").info("up")',
    "basicConfig(force=True)": "import logging, sys\nlogging.basicConfig(level=logging.INFO)\n"
    'logging.basicConfig(level=logging.DEBUG, force=True, stream=sys.stdout, format="%(name)s %(message)s")\n'
    'logging.getLogger("client").debug("up")',
    "root handlers": "import logging\nprint(logging.getLogger().handlers, logging.lastResort, logging.root.filters)",
    "a handler of one's own": "import io, logging\nshown = io.StringIO()\nhandler = logging.StreamHandler(shown)\n"
    'logging.getLogger().addHandler(handler)\nlogging.getLogger("client").warning("seen")\n'
    "print(handler.filters, shown.getvalue())",
    "dictConfig()": "import logging.config\nlogging.config.dictConfig({'version': 1, 'root': {'handlers': ['h']},"
    " 'handlers': {'h': {'class': 'logging.StreamHandler'}}, 'disable_existing_loggers': False})\n"
    'logging.getLogger("client").warning("by the dictionary")',
    "captureWarnings()": "import logging, warnings\nlogging.captureWarnings(True)\nwarnings.warn('logged')\n"
    "logging.captureWarnings(False)\nwarnings.warn('shown')",
    "a bad log call": 'import logging\nlogging.getLogger("client").warning("%d clients", "three")',
    "logging in a thread": "import logging, threading\n"
    'thread = threading.Thread(target=logging.getLogger("client").warning, args=("in a thread",))\n'
    "thread.start()\nthread.join()",
    "levels of uvicorn": "import logging\n"
    "print([(logging.getLogger(n).level, logging.getLogger(n).handlers, logging.getLogger(n).propagate)"
    " for n in ('uvicorn', 'uvicorn.error', 'uvicorn.access', 'uvicorn.asgi')])",
    "another uvicorn's lines": "import logging\nlogging.basicConfig(level=logging.INFO)\n"
    'logging.getLogger("uvicorn.access").info("GET /")\nlogging.getLogger("uvicorn.error").info("Started")',
    "a task that dies": "import asyncio, gc\nasync def client():\n    raise ValueError('my own fault')\n"
    "task = asyncio.create_task(client())\nawait asyncio.sleep(0.05)\ndel task\ngc.collect()\n"
    "await asyncio.sleep(0.05)",
    "a callback that raises": "import asyncio\ndef callback():\n    raise ValueError('in a callback')\n"
    "asyncio.get_running_loop().call_soon(callback)\nawait asyncio.sleep(0.05)",
    "never awaited": "import asyncio\nasync def client():\n    pass\n"
    "for _ in range(3):\n    client()  # shown once for a line",
    "warnings": "import warnings\nfor _ in range(3):\n    warnings.warn('deprecated', DeprecationWarning)\n"
    "    warnings.warn('careful')",
    "caught warnings": "import warnings\nwith warnings.catch_warnings(record=True) as caught:\n"
    "    warnings.simplefilter('always')\n    warnings.warn('inside')\nprint([str(one.message) for one in caught])",
    "hooks": "import sys, threading, warnings, logging, concurrent.futures\n"
    "print(len(warnings.filters), warnings.showwarning.__module__, type(sys.stdout), type(sys.stderr))\n"
    "print(threading.Thread.start.__module__, concurrent.futures.ThreadPoolExecutor.submit.__module__)\n"
    "print(logging.Logger.callHandlers.__module__, threading.excepthook is threading.__excepthook__)",
    "print": "import sys\nprint('half ', end='')\nprint('line')\nsys.stdout.writelines(['a', 'b', '\\n'])\n"
    "print('to stderr', file=sys.stderr, flush=True)",
    "redirect_stdout()": "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as shown:\n"
    "    print('into the string')\nprint(repr(shown.getvalue()))",
    "print in a thread": "import threading\nthread = threading.Thread(target=print, args=('in a thread',))\n"
    "thread.start()\nthread.join()",
    "a thread that raises": "import threading\nthread = threading.Thread(target=lambda: 1 / 0, name='mine')\n"
    "thread.start()\nthread.join()",
    "a thread started twice": "import threading\nthread = threading.Thread(target=print, args=('once',))\n"
    "thread.start()\nthread.join()\nthread.start()",
    "a pool": "from concurrent.futures import ThreadPoolExecutor\nwith ThreadPoolExecutor(1) as pool:\n"
    "    future = pool.submit(print, 'in a pool')\n"
    "    future.add_done_callback(lambda one: print('done', one.result()))\n"
    "    pool.submit(int, 'x').result()",
    "another kind of pool": "from multiprocessing.pool import ThreadPool\nwith ThreadPool(1) as pool:\n"
    "    print(pool.map(str, range(3)), pool.apply_async(func=int, args=('7',)).get())",
    "to_thread()": "import asyncio\nawait asyncio.to_thread(print, 'by to_thread')\n"
    "await asyncio.get_running_loop().run_in_executor(None, print, 'by run_in_executor')",
    "an exception": "print('before')\nraise LookupError('mine')",
    "written to a closed file": "import contextlib, io\nclosed = io.StringIO()\nclosed.close()\n"
    "with contextlib.redirect_stdout(closed):\n    print('nowhere')",
}

# Brings logging and the shown-once registry of warnings back to what a fresh process has.
RESET = """
import logging, warnings
for handler in list(logging.root.handlers):
    logging.root.removeHandler(handler)
logging.root.setLevel(logging.WARNING)
globals().pop("__warningregistry__", None)
"""

SERVE = """
import asyncio, threading, urllib.request
from fastapi import FastAPI
from wslab import serve
app = FastAPI()

@app.get("/")
async def root():
    print("the app prints")
    logging.getLogger("app").error("the app logs")
    warnings.warn("the app warns")

def ask():
    while server.running:
        try:
            urllib.request.urlopen(server.url, timeout=5).read()
        except OSError:
            pass

server = serve(app)
asking = threading.Thread(target=ask)
asking.start()
"""

STOP = """
server.stop()
asking.join()
assert server.log.prints and server.log.errors and server.log.warnings
"""

# In a process without a server the same modules are loaded, since a library may log or warn while it is imported.
LOAD = "from fastapi import FastAPI\nfrom wslab import serve\nimport uvicorn.config"


def alike(text: str) -> str:
    """The text without what differs from one run to the next."""
    text = re.sub(r"0x[0-9a-f]+|Task-\d+|Thread-\d+|ipykernel_\d+/\d+|, line \d+, in run_script", "*", text)
    return re.sub(r"In\[\d+\]|Cell In\[\d+\]|coro=<[^>]*>", "*", text)


class _Plain:
    """A script that runs cells, each as if it were typed at a prompt that knows `await`."""

    SCRIPT = """
import ast, asyncio, json, sys, traceback

names = {"__name__": "__main__"}

async def run_script():
    for line in sys.stdin:
        try:
            code = compile(json.loads(line), "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            found = eval(code, names)
            if found is not None:
                await found
        except Exception:
            traceback.print_exc()
        print("\\n# end", flush=True)

asyncio.run(run_script())
"""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self.SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
        )

    def run(self, code: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(code) + "\n")
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line == "# end\n":
                break
            lines.append(line)
        return "".join(lines)

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()


def outputs(process: Kernel | _Plain, *, with_server: bool) -> Iterator[tuple[str, str, str]]:
    """What each cell shows before, while and after a server runs: the phase, the cell's name, the text."""
    try:
        process.run(LOAD)
        for phase, between in (("before", ""), ("while", SERVE), ("after", STOP)):
            process.run(RESET)
            shown = process.run(between if with_server else "")
            assert not shown.strip(), shown
            for name, cell in CELLS.items():
                process.run(RESET)
                yield phase, name, alike(process.run(cell))
    finally:
        process.stop()


@pytest.mark.parametrize("kind", [_Plain, pytest.param(Kernel, marks=pytest.mark.notebook)], ids=["script", "kernel"])
def test_the_same_cell_shows_the_same_with_and_without_a_server(kind: type[Kernel | _Plain]) -> None:
    without = list(outputs(kind(), with_server=False))
    for expected, found in zip(without, outputs(kind(), with_server=True), strict=True):
        assert found == expected
    assert sum(bool(text.strip()) for _, _, text in without) > 2 * len(CELLS)
