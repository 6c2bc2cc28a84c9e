"""The one patch: `asyncio.Handle._run` and a loop's `select`, put in when a film begins and taken out when it ends.

`Handle._run` is how every loop of asyncio calls everything it calls, so tasks that were already running are seen
too, no coroutine is wrapped and no loop is replaced. The names are private, so `self_test` tries them first.
"""

from __future__ import annotations

import asyncio
import functools
import linecache
import logging
import platform
import threading
import traceback
import warnings
from asyncio import events
from collections.abc import Callable
from typing import Any

from wslab.errors import LabError
from wslab.language import Text
from wslab.recording.tape import RING, Tape
from wslab.recording.watchdog import Watchdog

_log = logging.getLogger("wslab.recording")


class RecordingError(LabError):
    """A film cannot begin, or not be shown; the message says why and what to do."""


_UVLOOP = Text(
    en="This server runs on {loop}, which calls its callbacks in C, past everything a recorder in Python can see. "
    'Start it with asyncio\'s own loop: wslab.serve(app) does, and uvicorn.run(app, loop="asyncio") does too.',
    tr="Bu sunucu {loop} üzerinde çalışıyor; o, geri çağırmalarını C içinde yapar, Python'da yazılmış bir kaydedici "
    "bunları göremez. Sunucuyu asyncio'nun kendi döngüsüyle başlatın: wslab.serve(app) böyle yapar, "
    'uvicorn.run(app, loop="asyncio") da.',
)
_CLOSED = Text(
    en="This event loop is closed: its server has been stopped. Start one with serve(app), then record(server).",
    tr="Bu olay döngüsü kapalı: sunucusu durdurulmuş. serve(app) ile bir sunucu başlatın, sonra record(server) deyin.",
)
_UNKNOWN = Text(
    en="This version of Python ({version}) runs its event loop in a way this recorder does not know ({why}), so it "
    "stays out of the way. Everything else of the kit works.",
    tr="Bu Python sürümü ({version}) olay döngüsünü bu kaydedicinin bilmediği bir biçimde çalıştırıyor ({why}); "
    "bu yüzden kaydedici araya girmiyor. Kitin geri kalanı çalışır.",
)

_SERVERS_LOGGERS = ("uvicorn.error", "hypercorn.error")

_rolls: dict[asyncio.AbstractEventLoop, Callable[[Any, Callable[[Any], None]], None]] = {}
_tapes: dict[asyncio.AbstractEventLoop, Tape] = {}
_users: dict[asyncio.AbstractEventLoop, int] = {}
_lock = threading.RLock()
_watchdog = Watchdog()

_original_run: Callable[[Any], None] = events.Handle._run
_original_warning: Callable[[Any], None] | None = getattr(warnings, "_warn_unawaited_coroutine", None)


def _filmed_run(handle: Any) -> None:
    roll = _rolls.get(handle._loop)
    if roll is None:
        _original_run(handle)
    else:
        roll(handle, _original_run)


def _filmed_warning(coroutine: Any) -> None:
    try:
        tape = _tapes.get(events._get_running_loop())  # type: ignore[arg-type]
        if tape is not None:
            tape.note_unawaited(coroutine)
    except Exception:
        _log.debug("a thrown-away coroutine could not be noted", exc_info=True)
    original = _original_warning
    if original is not None and original.__module__ not in ("warnings", "_py_warnings"):
        original(coroutine)
        return
    # Not a call of the original: its `stacklevel=2` would then name this file instead of the learner's line.
    message = f"coroutine '{coroutine.__qualname__}' was never awaited"
    if coroutine.cr_origin is not None:
        made = [(file, line, name, linecache.getline(file, line)) for file, line, name in reversed(coroutine.cr_origin)]
        message += "\nCoroutine created at (most recent call last)\n" + "".join(traceback.format_list(made)).rstrip(
            "\n"
        )
    warnings.warn(message, RuntimeWarning, stacklevel=2, source=coroutine)


def _see_failure(record: logging.LogRecord) -> bool:
    """A filter on a server's logger that lets everything pass: the server logs the exception of a handler there."""
    try:
        error = record.exc_info[1] if record.exc_info else None
        tape = _tapes.get(events._get_running_loop())  # type: ignore[arg-type]
        if tape is not None and error is not None:
            tape.note_failure(error)
    except Exception:
        _log.debug("a handler's exception could not be noted", exc_info=True)
    return True


def installed() -> bool:
    """Whether asyncio is patched at this moment."""
    return events.Handle._run is _filmed_run


def _reached() -> bool:
    """Whether a call of `Handle._run` arrives at the hook, on top or beneath somebody else's patch."""
    probe = object.__new__(_ProbeLoop)
    seen: list[bool] = []
    _rolls[probe] = lambda handle, run: seen.append(True)  # type: ignore[index]
    try:
        events.Handle(_nothing, (), probe)._run()  # type: ignore[arg-type]
    finally:
        del _rolls[probe]  # type: ignore[arg-type]
    return bool(seen)


class _ProbeLoop:
    def get_debug(self) -> bool:
        return False


def _nothing() -> None:
    return None


def _put(run: Callable[[Any], None]) -> None:
    events.Handle._run = run  # type: ignore[method-assign, assignment]


def _install() -> None:
    global _original_run, _original_warning
    if not _reached():
        _original_run = events.Handle._run
        _put(_filmed_run)
    current = getattr(warnings, "_warn_unawaited_coroutine", None)
    if current is not None and current is not _filmed_warning:
        _original_warning = current
        warnings._warn_unawaited_coroutine = _filmed_warning  # type: ignore[attr-defined]
    for name in _SERVERS_LOGGERS:
        logging.getLogger(name).addFilter(_see_failure)


def _uninstall() -> None:
    # If another library has patched `_run` since, removing the hook would remove that patch too: then it stays.
    if events.Handle._run is _filmed_run:
        _put(_original_run)
    if getattr(warnings, "_warn_unawaited_coroutine", None) is _filmed_warning:
        warnings._warn_unawaited_coroutine = _original_warning  # type: ignore[attr-defined]
    for name in _SERVERS_LOGGERS:
        logging.getLogger(name).removeFilter(_see_failure)


def refuse_unfilmable(loop: Any) -> None:
    """Raise a sentence for a loop that cannot be filmed.

    Raises:
        RecordingError: it is closed, or not made of asyncio's own parts (uvloop).
    """
    kind = type(loop)
    if not isinstance(loop, asyncio.BaseEventLoop):
        raise RecordingError(_UVLOOP, loop=kind.__module__.partition(".")[0] or kind.__name__)
    if loop.is_closed():
        raise RecordingError(_CLOSED)


def attach(loop: asyncio.AbstractEventLoop, name: str, size: int = RING, started: int = 0) -> Tape:
    """Film `loop` from now on; each `attach` needs its `detach`. A loop that is being filmed keeps its tape.

    Call `self_test` first.

    Raises:
        RecordingError: the loop cannot be filmed.
    """
    refuse_unfilmable(loop)
    return _attach(loop, name, size, started=started)


def _attach(loop: asyncio.AbstractEventLoop, name: str, size: int, hide_kit: bool = True, started: int = 0) -> Tape:
    with _lock:
        tape = _tapes.get(loop)
        if tape is not None:
            _users[loop] += 1
            return tape
        tape = Tape(loop, name, size, _disconnect, hide_kit, started)
        _tapes[loop], _users[loop] = tape, 1
        _rolls[loop] = _first_roll(tape)
        selector: Any = getattr(loop, "_selector", None)
        if callable(getattr(selector, "select", None)):
            watched = tape.watch_selector(selector.select)
            try:
                selector.select = watched
            except AttributeError:  # a selector with slots: its steps are seen, its idle time is not
                tape.idle_known = False
            else:
                tape.unwatch = functools.partial(_unwatch, selector, watched)
        _install()
    _look_round(tape)
    _watchdog.watch(tape)
    return tape


def _first_roll(tape: Tape) -> Callable[[Any, Callable[[Any], None]], None]:
    """What the hook does with the first handle of a tape: look round before anything runs, then film as usual."""

    def roll(handle: Any, run: Callable[[Any], None]) -> None:
        with _lock:
            if _rolls.get(tape.loop) is roll:
                _rolls[tape.loop] = tape.roll
        tape.arrive()
        tape.roll(handle, run)

    return roll


def _unwatch(selector: Any, watched: Any) -> None:
    if vars(selector).get("select") is watched:
        del selector.select


def _look_round(tape: Tape, deadline: float = 0.25) -> None:
    """Let the tape register the loop's tasks; on a blocked loop this happens as soon as it is free."""
    if events._get_running_loop() is tape.loop:
        tape.arrive()
        return
    arrived = threading.Event()

    def arrive() -> None:
        tape.arrive()
        arrived.set()

    try:
        tape.loop.call_soon_threadsafe(arrive)
    except RuntimeError:
        return  # closed meanwhile
    if tape.loop.is_running():
        arrived.wait(deadline)


def settle_if_filmed(loop: asyncio.AbstractEventLoop) -> None:
    """`settle` for a loop that is being filmed already, so that a new film does not begin in the middle of a step."""
    tape = _tapes.get(loop)
    if tape is not None:
        settle(tape)


def settle(tape: Tape, deadline: float = 0.25) -> None:
    """Let the step end that the loop is in, so that a film does not stop in the middle of it; at most `deadline` s."""
    loop = tape.loop
    if tape.fault or events._get_running_loop() is loop or loop.is_closed() or not loop.is_running():
        return
    settled = threading.Event()

    def done() -> None:
        settled.set()

    try:
        loop.call_soon_threadsafe(done)
    except RuntimeError:
        return
    settled.wait(deadline)


def detach(tape: Tape) -> None:
    """Undo one `attach`; with the last one nothing of the recorder is left in asyncio."""
    with _lock:
        if _tapes.get(tape.loop) is not tape:
            return
        _users[tape.loop] -= 1
        if _users[tape.loop] <= 0:
            _disconnect(tape)


def _disconnect(tape: Tape) -> None:
    with _lock:
        if _tapes.get(tape.loop) is not tape:
            return
        del _tapes[tape.loop], _users[tape.loop], _rolls[tape.loop]
        tape.unwatch()
        if not _tapes:
            _uninstall()
    _watchdog.forget(tape)


@functools.cache
def self_test() -> None:
    """Film a tiny program in a thread of its own and compare with what it is known to do; once a process.

    Raises:
        RecordingError: asyncio's insides are not as this recorder knows them.
    """
    why: list[str] = []
    thread = threading.Thread(target=_try_out, args=(why,), name="wslab recorder self-test", daemon=True)
    thread.start()
    thread.join(10)
    if why:
        raise RecordingError(_UNKNOWN, version=platform.python_version(), why=why[0])


def _try_out(why: list[str]) -> None:
    # On a busy machine the shortest sleep may be over before the loop could sleep, and then there is no idle time.
    for pause in (0.001, 0.02, 0.2):
        fault = _fault_of(pause)
        if not fault:
            return
    why.append(fault)


def _fault_of(pause: float) -> str:
    """What is wrong with the film of a program that sleeps for `pause` seconds; empty if nothing is."""

    async def inner() -> None:
        await asyncio.sleep(0)
        await asyncio.sleep(pause)

    loop = asyncio.SelectorEventLoop()
    try:
        tape = _attach(loop, "self-test", 64, hide_kit=False)
        try:
            loop.run_until_complete(inner())
        finally:
            detach(tape)
        tracked = tape.by_number[2]
        written = [tape.steps[4 * number : 4 * number + 4] for number in range(tape.now.steps)]
        steps = [place for _, _, who, place in written if who == tracked.number]
        if len(steps) != 3 or steps[0] == steps[1] or tracked.ending != "returned":
            return f"steps {steps}, {tracked.ending!r}"
        return "" if tape.now.idles else "its idle time is not seen"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        loop.close()
