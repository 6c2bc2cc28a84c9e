"""check(): serve the learner's app, judge it over the wire, show what was found, return the points."""

from __future__ import annotations

import asyncio
import concurrent.futures
import re
import sys
import threading
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from wslab.capture import Capture
from wslab.cells import apps_of, last_to_make, maker_of, makes_anew
from wslab.errors import LabError
from wslab.jupyter import in_kernel
from wslab.labs import cards, catalogue, general
from wslab.labs.calling import Called
from wslab.labs.judging import explained, judge_app, not_run
from wslab.labs.lab import Check, Lab
from wslab.labs.processes.venue import Program, ServedByProcesses
from wslab.labs.venue import Served
from wslab.labs.verdict import Outcome, Verdict, earned
from wslab.language import Text, filled, verbatim
from wslab.picture import ORANGE, sentence_html
from wslab.predictions.as_shipped import untouched
from wslab.progress import store
from wslab.serving import WrongApp
from wslab.serving.arguments import validate
from wslab.source import ipython_shell

ATTEMPTS_BEFORE_SOLUTION = 3
"""After so many honest attempts at a check its solution opens."""

_LONG_ENOUGH = 5.0
"""Seconds after which a whole lab's checks are not gone on with, where nothing passes any more."""

_AWAIT = Text(
    en='Nothing was checked yet: write `await` in front, `await check("{name}", …)`.',
    tr='Henüz bir şey sınanmadı: başına `await` yazın, `await check("{name}", …)`.',
)
_STILL_BLANK = Text(en="`{name}` is still `...`.", tr="`{name}` hâlâ `...`.")
_NO_NAME = Text(en="There is no `{name}` in this notebook.", tr="Bu not defterinde `{name}` yok.")
_NONE = Text(en="`{name}` is None.", tr="`{name}` değeri None.")
_CELL_ERROR = Text(
    en="The cell you ran before this one stopped with {error}.",
    tr="Bundan önce çalıştırdığınız hücre şu hatayla durdu: {error}.",
)
_ERROR_AT = Text(en="{error} (line {line})", tr="{error} (satır {line})")
_ANOTHER_NAME = Text(
    en="{blank} There is an app called `{other}`: call it `{name}`.",
    tr="{blank} `{other}` adında bir uygulama var: ona `{name}` adını verin.",
)
_HALF = Text(en="`{cell}` stopped with {error}.", tr="`{cell}` şu hatayla durdu: {error}.")
_OLD_APP = Text(
    en="`{cell}` was to make `{name}` anew and stopped with {error}. What was checked is the one that `{made}` made.",
    tr="`{cell}` hücresi `{name}` nesnesini yeniden oluşturacaktı, ama şu hatayla durdu: {error}. Bu sınama, `{made}` "
    "hücresinin oluşturduğu `{name}` ile yapıldı.",
)
_MADE = Text(
    en="What was checked is the `{name}` that `{made}` made. If you have changed that cell since, run it again first.",
    tr="Bu sınama, `{made}` hücresinin oluşturduğu `{name}` ile yapıldı. O hücreyi sonradan değiştirdiyseniz önce onu "
    "yeniden çalıştırın.",
)
_CELL_NOTE = Text(
    en="The cell you ran before this one stopped with {error}. What was checked is the app from before.",
    tr="Bundan önce çalıştırdığınız hücre şu hatayla durdu: {error}. Sınama, daha önceki uygulamayla yapıldı.",
)
_NO_RUN = Text(
    en="{name} has not been checked in this notebook yet, so there is nothing to show.",
    tr="{name} bu not defterinde henüz sınanmadı; gösterecek bir şey yok.",
)

_SEVERAL = Text(
    en="Lab {lab} is judged with several processes, and the bytes of its clients are not kept.",
    tr="{lab} alıştırması birkaç süreçle değerlendirilir, istemcilerinin baytları saklanmaz.",
)

_MISSING: Any = object()
_one_at_a_time = threading.Lock()
_kept: Served | ServedByProcesses | None = None
_captures: dict[str, Capture] = {}
_tried: dict[str, tuple[int, str]] = {}


def check(name: str, app: Any = _MISSING) -> Checking:
    """Judge a server by what it does over the wire: `await check("L1.echo", app)`.

    The app is served in a thread of its own and driven by real clients. A card shows what was observed, what that
    means and what to try next. The server stays up for the next check of the same app.

    Args:
        name: a check, `"L1.echo"`, a whole lab, `"L1"`, or a turn of a unit, `"05.turn-2"`.
        app: the ASGI app, or the function that a turn is about; without it, the notebook's own variable.

    Returns:
        What to await; that gives the points as a number, and None for a turn, which has no points.

    Raises:
        LabError: there is no such check.
    """
    lab, one = catalogue.find(name)
    checks = lab.checks if one is None else (one,)
    return Checking(lab, checks, app, _names_of(sys._getframe(1).f_globals))


def _names_of(caller: Mapping[str, Any]) -> Mapping[str, Any]:
    shell = ipython_shell()
    return shell.user_ns if shell is not None else caller


class Points(float):
    """Points as the value of a cell: a grader reads the number as text, and a notebook shows nothing below the card."""

    def __repr__(self) -> str:
        return str(int(self)) if self.is_integer() else super().__repr__()

    __str__ = __repr__

    def _repr_html_(self) -> str:
        return "<span></span>"


class Checking:
    """A check that runs once it is awaited."""

    def __init__(self, lab: Lab, checks: Sequence[Check], app: Any, names: Mapping[str, Any]) -> None:
        self._lab = lab
        self._checks = checks
        self._app = app
        self._names = names
        self._told = False

    def __await__(self) -> Generator[Any, None, float | None]:
        self._told = True
        return self._run().__await__()

    def run(self) -> float | None:
        """Run it where nothing can be awaited, in a script; return the points."""
        self._told = True
        return asyncio.run(self._run())

    async def _run(self) -> float | None:
        if self._lab.turns and untouched(self._lab.number):
            title = self._checks[0].title
            show(cards.open_turn_html(title), cards.open_turn_text(title))
            return None
        cell_error = _error_of_last_cell()
        notes: dict[str, tuple[list[str], list[str]]] = {}
        apps: dict[int, tuple[Any, list[Check]]] = {}
        for one in self._checks:
            app = self._app_of(one)
            apps.setdefault(id(app), (app, []))[1].append(one)
        verdicts: list[Verdict] = []
        for app, checks in apps.values():
            nothing = _nothing_to_judge(app, self._names, self._lab, checks, cell_error)
            half, old, *told = ("", "", [], []) if self._lab.turns else _origin(app, checks[0].app, cell_error)
            judged = nothing or await _in_a_thread(self._lab, checks, app, half)
            verdicts += [_of_an_old_app(verdict, checks[0].app, old) if old else verdict for verdict in judged]
            notes |= dict.fromkeys((check.name for check in checks), (told[0], told[1]))
            _record(app, verdicts[-len(checks) :])
        verdicts.sort(key=lambda verdict: [one.name for one in self._checks].index(verdict.check))
        shown: dict[tuple[str, str, str], Verdict] = {}
        for verdict in verdicts:
            same = shown.setdefault((str(verdict.meaning), str(verdict.next), str(verdict.observed)), verdict)
            if same is not verdict and not verdict.passed:
                show(cards.again_html(verdict, same), cards.again_text(verdict, same))
                continue
            left = 0 if self._lab.turns else attempts_left(verdict.lab, verdict.check)
            warnings, quiet = notes.get(verdict.check, ([], []))
            warnings = [one for one in warnings if one != str(verdict.observed)]
            failed = verdict.outcome is Outcome.FAILED
            helped = cards.help_lines(verdict, left, [*warnings, *quiet] if failed else warnings)
            fault = store().fault
            show(
                cards.verdict_html(verdict, helped=[*helped, *([fault] if fault else [])]),
                cards.verdict_text(verdict, helped=[*helped, *([fault] if fault else [])]),
            )
        if len(self._checks) > 1:
            show(
                cards.summary_html(self._lab.number, self._lab.title, verdicts),
                cards.summary_text(self._lab.number, self._lab.title, verdicts),
            )
        return None if self._lab.turns else Points(earned(verdicts))

    def _app_of(self, one: Check) -> Any:
        # Where one check is named together with an app, that is the app, whatever it is called.
        if self._app is not _MISSING and (one.app == "app" or len(self._checks) == 1):
            return self._app
        return self._names.get(one.app, _MISSING)

    def _sentence(self) -> str:
        self._told = True
        name = f"{self._lab.number}.{self._checks[0].name}" if len(self._checks) == 1 else self._lab.number
        return _AWAIT.format(name=name)

    def __repr__(self) -> str:
        return self._sentence()

    def _repr_html_(self) -> str:
        return cards.framed(f"<p>{sentence_html(self._sentence())}</p>", ORANGE)

    def __del__(self) -> None:
        # As Python warns of a coroutine that nobody awaited; but as a sentence, and not on stderr.
        if not getattr(self, "_told", True) and not sys.is_finalizing():
            print(self._sentence())


def transcript(name: str) -> Capture:
    """Every byte of a check's last run in this notebook, as a capture that shows itself.

    Args:
        name: a check: `"L1.echo"`.

    Raises:
        LabError: there is no such check, it has not run yet, or it is one with several processes.
    """
    lab, one = catalogue.find_check(name)
    if one.processes:
        raise LabError(_SEVERAL, lab=lab.number)
    found = _captures.get(f"{lab.number}.{one.name}")
    if found is None:
        raise LabError(_NO_RUN, name=f"{lab.number}.{one.name}")
    return found


# The app


def _nothing_to_judge(
    app: Any, names: Mapping[str, Any], lab: Lab, checks: Sequence[Check], cell_error: str
) -> list[Verdict]:
    """The verdicts where there is nothing to serve; none where there is."""
    name = checks[0].app
    if app is _MISSING or app is ... or app is None:
        blank = {_MISSING: _NO_NAME, None: _NONE}.get(app, _STILL_BLANK)
        if cell_error:
            observed = filled(_CELL_ERROR, error=cell_error)
            return [not_run(lab, one, general.CELL_FAILED, observed, name=name) for one in checks]
        observed = filled(blank, name=name)
        others = [other for other in apps_of(dict(names)) if other not in {one.app for one in lab.checks}]
        if others:
            observed = filled(_ANOTHER_NAME, blank=observed, other=others[-1], name=name)
        return [not_run(lab, one, general.NO_APP, observed, name=name) for one in checks]
    return []


def _origin(app: Any, name: str, cell_error: str) -> tuple[str, str, list[str], list[str]]:
    """What is known of the cell that made this app.

    Returns:
        What stopped it, where it ran only half; what stopped a later cell that was to make it anew; what any card has
        to say of it; and what one that failed says, too.
    """
    made, last = maker_of(app), last_to_make(name)
    if made is None:
        return "", "", [_CELL_NOTE.format(error=cell_error)] if cell_error else [], []
    if last is not None and last.error is not None:
        error = _last_line(last.error)
        if last is made or not makes_anew(name, last.source):
            return _HALF.format(cell=last.label, error=error), "", [], []
        old = _OLD_APP.format(cell=last.label, error=error, name=name, made=made.label)
        return "", old, [old], []
    return "", "", [], [_MADE.format(name=name, made=made.label)]


def _of_an_old_app(verdict: Verdict, name: str, stopped: str) -> Verdict:
    """The verdict of a check on an app that a later cell was to make anew: what failed may be mended in that cell.

    Args:
        verdict: what was found.
        name: the app's name.
        stopped: the sentence on what stopped the later cell.
    """
    if verdict.passed:
        return verdict
    return replace(
        verdict,
        misconception=general.CELL_FAILED.id,
        observed=verbatim(stopped),
        meaning=filled(general.CELL_FAILED.meaning, name=name),
        next=general.CELL_FAILED.next,
        begun=False,
        transcript=(),
        raised=(),
    )


def _error_of_last_cell() -> str:
    """What stopped the cell that was run before this one, in a few words; empty where it came to its end."""
    result = getattr(ipython_shell(), "last_execution_result", None)
    error = getattr(result, "error_before_exec", None) or getattr(result, "error_in_exec", None)
    if error is None or isinstance(error, LabError | KeyboardInterrupt | asyncio.CancelledError):
        return ""
    return _last_line(error)


def _last_line(error: BaseException) -> str:
    said = f"{type(error).__name__}: {error.msg if isinstance(error, SyntaxError) else error}"
    line = error.lineno if isinstance(error, SyntaxError) else None
    return _ERROR_AT.format(error=said, line=line) if line else said


# The judge's own thread: neither a busy kernel loop nor a patched one has a say in the verdict.


async def _in_a_thread(lab: Lab, checks: Sequence[Check], app: Any, half: str = "") -> list[Verdict]:
    future: concurrent.futures.Future[list[Verdict]] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()
    running: list[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = []
    broken_off = threading.Event()

    async def judged() -> list[Verdict]:
        task = asyncio.current_task()
        assert task is not None
        running.append((asyncio.get_running_loop(), task))
        if broken_off.is_set():
            raise asyncio.CancelledError
        return await _judged(lab, checks, app, half)

    def work() -> None:
        try:
            with _one_at_a_time, asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                future.set_result(runner.run(judged()))
        except BaseException as error:
            future.set_exception(error)

    threading.Thread(target=work, name="wslab check", daemon=True).start()
    try:
        return await asyncio.wrap_future(future)
    finally:
        broken_off.set()
        if not future.done() and running:
            loop, task = running[0]
            loop.call_soon_threadsafe(task.cancel)


async def _judged(lab: Lab, checks: Sequence[Check], app: Any, half: str) -> list[Verdict]:
    global _kept
    if checks[0].calls:
        app = Called(app)
    if _kept is None or _kept.app is not app:
        if _kept is not None:
            await _kept.stop()
        _kept = None
        try:
            _kept = several(app, checks[0].app) if checks[0].processes else Served(app)
        except WrongApp as error:
            said = explained(error)
            return [not_run(lab, one, general.WRONG_APP, said, check=f"{lab.number}.{one.name}") for one in checks]
    _kept.cell_error = half
    try:
        return [verdict async for verdict in judge_app(lab, checks, _kept, give_up_after=_LONG_ENOUGH)]
    finally:
        _captures.update({f"{lab.number}.{name}": wire for name, wire in _kept.captures.items()})
        if isinstance(_kept, ServedByProcesses):
            _kept.close()  # they start within a moment, and would tick on until the kernel ends


def several(app: Any, variable: str) -> ServedByProcesses:
    """The app served by processes that each run the cell which has made it.

    Args:
        app: the app.
        variable: its name in the cell.

    Raises:
        WrongApp: it is no app.
    """
    validate(app, {})
    made = maker_of(app) or last_to_make(variable)
    return ServedByProcesses(app, Program(made.label if made else "app", made.source if made else "", variable))


# What is kept


def _record(app: Any, verdicts: Sequence[Verdict]) -> None:
    """Keep each verdict as an attempt; what has been tried already, to the letter, is no new attempt."""
    version = _version(app)
    for verdict in verdicts:
        word = verdict.misconception or verdict.outcome.value
        if not verdict.passed and (not verdict.begun or verdict.outcome is Outcome.BLOCKED):
            word = f"{_NOT_BEGUN}{word}"
        if _tried.get(verdict.name) != (version, word):
            _tried[verdict.name] = (version, word)
            store().attempt(verdict.lab, verdict.check, points=verdict.points, max=verdict.max, verdict=word)


def _version(app: Any) -> int:
    """What changes when the learner has written something new: how many different cells were run so far.

    Elsewhere than in a notebook, the app's own identity.
    """
    cells = getattr(ipython_shell(), "user_ns", {}).get("In")
    if not cells:
        return id(app)
    return len({cell.strip() for cell in cells if not _ASKING.search(cell)})


_ASKING = re.compile(r"\b(check|hint|solution|reset|transcript)\(")
_NOT_BEGUN = "-"
"""Stands before the verdict of an attempt that opens no solution: nothing was judged, or nothing written yet."""


def attempts_left(lab: str, name: str) -> int:
    """How many honest attempts at a check are still to be made before its solution opens; 0 if it is open."""
    attempts = store().attempts(lab, name)
    if any(attempt.verdict == Outcome.PASSED.value for attempt in attempts):
        return 0
    honest = sum(not attempt.verdict.startswith(_NOT_BEGUN) for attempt in attempts)
    return max(0, ATTEMPTS_BEFORE_SOLUTION - honest)


# Showing


def show(as_html: str, as_text: str) -> None:
    """Show a card: HTML in a notebook, text elsewhere; on stdout, never on stderr."""
    if in_kernel():
        from IPython.display import display

        display({"text/html": as_html, "text/plain": as_text}, raw=True)  # type: ignore[no-untyped-call]
    else:
        print(as_text)
