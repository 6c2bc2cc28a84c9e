"""Runs in the learner's process: the notebook's cells, and then a server for the app that they have made.

The judge says over a channel what to run, when to stop and when to start again, and asks what was raised. Its
answers are untrusted: from the first cell on this process belongs to the learner's code.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import contextvars
import functools
import importlib
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import Any

import wslab
from wslab.grading.isolation.confinement import confine
from wslab.grading.isolation.shell import Shell, answer_nothing, file_of
from wslab.grading.task import Limits
from wslab.labs.channel import Channel
from wslab.labs.obeying import LONGEST, obey, told_tasks
from wslab.labs.processes import foreman
from wslab.labs.processes.venue import PROCESSES, Foreman, Program, ServedByProcesses
from wslab.labs.venue import SWITCHING, Loopback, NotServed, Served
from wslab.language import use_language
from wslab.serving import ServerStartError, WrongApp
from wslab.serving.arguments import validate
from wslab.source import named

_PRELOADED = (
    "fastapi.applications",
    "fastapi.responses",
    "fastapi.websockets",
    "httpx",
    "starlette.middleware.cors",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.auto",
    "uvicorn.protocols.websockets.auto",
    "valkey.asyncio",  # each of the processes of an app with a broker is a fork of a fork of this one
    "websockets.asyncio.client",
    "websockets.asyncio.server",
    "websockets.sync.client",
)


def preload() -> None:
    """Import what nearly every submission does, and make the shell, before the clock of its first cell runs."""
    for name in _PRELOADED:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for name in wslab.__all__:  # a public name loads its room when it is first used
        getattr(wslab, name)
    Shell.make()


def main(control: socket.socket, listeners: Sequence[socket.socket]) -> None:
    """Run what the judge sends, until it hangs up. Never returns.

    Args:
        control: connected to the judge.
        listeners: sockets that listen, one for each start of the app.
    """
    try:
        channel = Channel(control, longest=None)
        job = channel.receive()
        if job is not None:
            _work(channel, job, list(listeners))
    except EOFError:
        pass
    finally:
        # Without the interpreter's own shutdown: threads and atexit hooks of the learner's code don't delay the end.
        os._exit(0)


def _work(channel: Channel, job: dict[str, Any], listeners: list[socket.socket]) -> None:
    use_language(job["language"])
    _answer_for_the_kit()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a kernel prints lone surrogates
    _lay_out(job["folder"], job["files"])
    loop = asyncio.SelectorEventLoop()
    asyncio.set_event_loop(loop)
    shell = Shell.make()
    shell.runs_commands = job["commands"]
    helper = None
    if job["processes"]:
        # While this process has one thread and none of the learner's code has run in it.
        helper = _foreman(channel, listeners, job["folder"])
    made, maker = ..., ("", "")
    context = contextvars.copy_context()
    for number, (name, source) in enumerate(job["cells"]):
        if number in job["skip"]:
            continue
        channel.send({"begins": number})
        shell.passed_over = functools.partial(_pass_over, channel, number)
        error = _run(loop, shell, name, source, job["seconds"], context)
        if error:
            channel.send({"failed": number, "error": named(error)[:LONGEST]})
        now = shell.user_ns.get(job["variable"], ...)
        if now is not made:
            made, maker = now, (name, source)
    venue = None
    if helper is not None:
        venue = ServedByProcesses(made, Program(*maker, job["variable"]), helper)
    arguments = (channel, shell.user_ns, job["variable"], listeners, venue)
    threading.Thread(target=_serve, args=arguments, daemon=True).start()
    # What the cells have started on their own loop goes on, as in a kernel.
    while True:
        with contextlib.suppress(Exception):
            loop.run_forever()


def _foreman(channel: Channel, listeners: list[socket.socket], folder: str) -> Foreman:
    """A process that starts the app's processes, each at one of these sockets, which are closed here."""
    ours, theirs = socket.socketpair()
    if os.fork() == 0:
        channel.close()
        ours.close()
        foreman.serve(theirs, listeners[:PROCESSES], folder)
    for one in (theirs, *listeners):
        one.close()
    return Foreman(ours)


def _pass_over(channel: Channel, number: int, line: str) -> None:
    channel.send({"passed": number, "line": line[:LONGEST]})


def _lay_out(folder: str, files: Sequence[tuple[str, str]]) -> None:
    """Go to the working folder, as a kernel is in its notebook's, and write what lay beside the notebook."""
    os.chdir(folder)
    sys.path.insert(0, "")
    sys.dont_write_bytecode = True  # a module may be written twice within the second that tells its versions apart
    for path, data in files:
        with contextlib.suppress(OSError, ValueError):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            with open(path, "wb") as file:
                file.write(base64.b64decode(data))


# The cells


class _Nothing:
    """Replaces `check()` and its like: called, awaited or shown, it does nothing and gives 0."""

    def __call__(self, *_: object, **__: object) -> _Nothing:
        return self

    def __await__(self) -> Generator[Any, None, float]:
        yield from asyncio.sleep(0).__await__()
        return 0.0

    def __float__(self) -> float:
        return 0.0

    def __repr__(self) -> str:
        return ""


def _answer_for_the_kit() -> None:
    for name in ("check", "hint", "solution", "reset", "transcript", "predict", "progress", "doctor"):
        setattr(wslab, name, _Nothing())
    answer_nothing()


def _run(
    loop: asyncio.AbstractEventLoop,
    shell: Shell,
    name: str,
    source: str,
    seconds: float,
    context: contextvars.Context,
) -> str:
    """Run a cell as a kernel does; return what stopped it, in a few words."""
    # In a kernel the loop runs while a cell does. The next cell finds the context variables as this one leaves
    # them, decimal's precision for one; unless this one awaits.
    task = loop.create_task(shell.run(name, source), context=context.copy() if shell.awaits(source) else context)
    error: BaseException | None
    try:
        with _interrupted_after(seconds):
            error = loop.run_until_complete(task)
    except BaseException as interrupted:
        error = interrupted
        with contextlib.suppress(BaseException), _interrupted_after(1.0):
            task.cancel()
            loop.run_until_complete(task)
    return "" if error is None else _last_line(error, file_of(name))


def _last_line(error: BaseException, filename: str) -> str:
    trace, line = error.__traceback__, 0
    if isinstance(error, SyntaxError) and error.filename == filename:
        return f"{type(error).__name__}: {error.msg} ({filename}:{error.lineno})"
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == filename:
            line = trace.tb_lineno
        trace = trace.tb_next
    try:
        said = f"{type(error).__name__}: {error}"
    except Exception:
        said = type(error).__name__
    return f"{said} ({filename}:{line})" if line else said


@contextlib.contextmanager
def _interrupted_after(seconds: float) -> Iterator[None]:
    """Have a KeyboardInterrupt raised in the main thread after that time, as a kernel's ■ button does."""
    if hasattr(signal, "setitimer"):
        signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return
    import _thread

    timer = threading.Timer(seconds, _thread.interrupt_main)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


# The server


def _serve(
    channel: Channel,
    names: dict[str, Any],
    variable: str,
    listeners: list[socket.socket],
    venue: Served | ServedByProcesses | None,
) -> None:
    sys.setswitchinterval(SWITCHING)
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        try:
            app = names.get(variable, ...)
            if app is ...:
                channel.send({"absent": True})
            else:
                validate(app, {})
                venue = venue or Served(Loopback(app), lambda: listeners.pop(0))
                channel.send(_started(runner, venue.start()))
                while (order := channel.receive()) is not None:
                    channel.send({**_obey(runner, venue, order), "to": order["number"]})
        except WrongApp as error:
            channel.send({"wrong": str(error)[:LONGEST]})
        except EOFError:
            pass
        finally:
            os._exit(0)


def _started(runner: asyncio.Runner, starting: Any) -> dict[str, Any]:
    try:
        runner.run(starting)
    except NotServed as error:
        return {"unserved": error.misconception.id, "observed": error.observed.spoken()}
    except ServerStartError as error:
        return {"unstarted": named(str(error))[:LONGEST]}
    except IndexError:  # no listener left
        return {"unstarted": ""}
    return {"served": True}


def _obey(runner: asyncio.Runner, venue: Served | ServedByProcesses, order: dict[str, Any]) -> dict[str, Any]:
    if order["do"] == "restart":
        return _started(runner, venue.restart())
    if isinstance(venue, ServedByProcesses) and (answer := _obey_about_processes(runner, venue, order)) is not None:
        return answer
    return obey(runner, venue, order)


def _obey_about_processes(
    runner: asyncio.Runner, venue: ServedByProcesses, order: dict[str, Any]
) -> dict[str, Any] | None:
    match order["do"]:
        case "kill process":
            runner.run(venue.kill_process(order["process"]))
        case "start process":
            return _started(runner, venue.start_process(order["process"]))
        case "stop process":
            return {"tasks": told_tasks(runner.run(venue.stop_process(order["process"])))}
        case "kill broker":
            runner.run(venue.kill_broker())
        case "start broker":
            return _started(runner, venue.start_broker())
        case _:
            return None
    return {}


if __name__ == "__main__":
    plan = json.loads(sys.argv[1])
    confine(Limits(**plan["limits"]), plan["user"])
    if "shared" in plan:  # Windows: sockets come as bytes, once it is known who gets them
        shared = [bytes.fromhex(one) for one in json.loads(sys.stdin.readline())]
        first, *others = [socket.fromshare(one) for one in shared]  # type: ignore[attr-defined,unused-ignore]
    else:
        first, *others = [socket.socket(fileno=number) for number in plan["sockets"]]
    preload()
    main(first, others)
