"""prove(): the labs' checks are right, shown by running them on what is known to be right and wrong."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import inspect
import json
import re
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wslab import own_course
from wslab.authoring.proof import turn_corpus
from wslab.authoring.proof.corpus import (
    EQUIVALENT,
    MISTAKES,
    BadHeader,
    Expected,
    Submission,
    corpus_folder,
    program,
    submissions,
)
from wslab.authoring.proof.page import between, inside
from wslab.authoring.proof.text_ids import id_faults
from wslab.authoring.proof.turn_corpus import TurnCell
from wslab.cells import Run as RunOfCell
from wslab.cells import note_makers
from wslab.labs import cards, catalogue, general, notebooks
from wslab.labs.calling import Called
from wslab.labs.checking import several
from wslab.labs.judging import judge_app, not_run
from wslab.labs.lab import Check, Lab
from wslab.labs.notebooks import Cell
from wslab.labs.processes.venue import ServedByProcesses
from wslab.labs.venue import Served
from wslab.labs.verdict import Outcome, Verdict, earned
from wslab.language import LANGUAGES, Text, current_language, use_language
from wslab.notebooks import lab_of, to_bytes

if TYPE_CHECKING:
    from rich.console import RenderableType

MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.BLOCKED: "…", Outcome.NOT_RUN: "–"}
BEGIN, END = "<!-- proof: written by wslab check --write -->", "<!-- end of proof -->"
_SECTION = re.compile(r"^### (\S+)$", re.MULTILINE)
_RIGHT_DESIGNS = 2


@dataclass(frozen=True)
class Run:
    """One program, judged by every check of its lab, once or several times.

    Attributes:
        name: the file, or which notebook it is.
        about: what it does.
        verdicts: those of its last run.
        rounds: how often it was run.
        seconds: what one run took at most.
        faults: every way in which a run was not as expected.
    """

    name: str
    about: str
    verdicts: tuple[Verdict, ...]
    rounds: int
    seconds: float
    faults: tuple[str, ...] = ()

    @property
    def points(self) -> float:
        """What its last run earned."""
        return earned(self.verdicts)


@dataclass(frozen=True)
class LabProof:
    """Everything that was run for one lab.

    Attributes:
        lab: the lab.
        runs: the stub, the solution, the wrong submissions, the right designs.
        faults: what is missing or misplaced, whatever runs.
    """

    lab: Lab
    runs: tuple[Run, ...]
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every run went as expected and nothing is missing."""
        return not self.faults and not any(run.faults for run in self.runs)


@dataclass(frozen=True)
class Proof:
    """The outcome of `prove()`: tables with rich, Markdown for the documentation.

    Attributes:
        labs: one entry a lab.
        faults: what belongs to no lab.
    """

    labs: tuple[LabProof, ...]
    faults: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the labs are proven."""
        return not self.faults and all(lab.ok for lab in self.labs)

    @property
    def complaints(self) -> tuple[str, ...]:
        """Every fault, one line each."""
        found = list(self.faults)
        for lab in self.labs:
            found += [f"{lab.lab.number}: {fault}" for fault in lab.faults]
            found += [f"{lab.lab.number} {run.name}: {fault}" for run in lab.runs for fault in run.faults]
        return tuple(found)

    def __rich__(self) -> RenderableType:
        from rich.console import Group
        from rich.table import Table
        from rich.text import Text as Line

        parts: list[RenderableType] = []
        for proof in self.labs:
            graded = [check for check in proof.lab.checks if check.points]
            table = Table(title=f"{proof.lab.slug}: {proof.lab.title}", title_justify="left")
            table.add_column("", no_wrap=True)
            # One column for all of them, in the order of the caption: a column each doesn't fit into 80 characters.
            if graded:
                table.add_column("checks", no_wrap=True)
            table.caption, table.caption_justify = " ".join(check.name for check in graded), "left"
            table.add_column("fails at", overflow="fold")
            for name in ("points", "rounds", "s"):
                table.add_column(name, justify="right", no_wrap=True)
            for run in proof.runs:
                by_check = {verdict.check: verdict for verdict in run.verdicts}
                marks = [MARKS[by_check[check.name].outcome] if check.name in by_check else " " for check in graded]
                fails = [
                    one.misconception for one in run.verdicts if one.outcome is Outcome.FAILED and (one.max or one.turn)
                ]
                first = [run.name, " ".join(marks)] if graded else [run.name]
                row = [*first, ", ".join(dict.fromkeys(fails)), f"{run.points:g}", str(run.rounds)]
                table.add_row(*map(Line, [*row, f"{run.seconds:.1f}"]), style="red" if run.faults else None)
            parts.append(table)
        verdict = f"proven: {len(self.labs)} labs and units, {sum(len(lab.runs) for lab in self.labs)} programs"
        parts.append(Line(verdict, style="green") if self.ok else Line("\n".join(self.complaints), style="red"))
        return Group(*parts)

    def markdown(self) -> str:
        """The matrix of every lab; without durations, so that the same proof gives the same text."""
        return "\n".join(self._matrices().values())

    def _matrices(self) -> dict[str, str]:
        """The matrix of each lab by the name of its notebook; turns have none."""
        return {proof.lab.slug: _matrix(proof) for proof in self.labs if not proof.lab.turns}

    def written_into(self, page: str) -> str:
        """A page of the documentation with the matrices of this proof; those of other labs stay as they are."""
        before = _SECTION.split(inside(page, BEGIN, END))[1:]
        kept = dict(zip(before[::2], before[1::2], strict=True))
        sections = {name: f"### {name}{rest.rstrip()}\n" for name, rest in kept.items()} | self._matrices()
        return between(page, BEGIN, "\n".join(sections[name] for name in sorted(sections)), END)


def _matrix(proof: LabProof) -> str:
    graded = [check for check in proof.lab.checks if check.points]
    lines = [f"### {proof.lab.slug}", ""]
    lines.append(f"| program | {' | '.join(check.name for check in graded)} | points |")
    lines.append(f"| --- |{' --- |' * len(graded)} ---: |")
    for run in proof.runs:
        times = f" ({run.rounds}×)" if run.rounds > 1 else ""
        about = f"`{run.name}`{times} {run.about}"
        cells = " | ".join(_cell(run, check) for check in graded)
        lines.append(f"| {about} | {cells} | {run.points:g} of {proof.lab.points:g} |")
    return "\n".join([*lines, ""])


def _cell(run: Run, check: Check) -> str:
    verdict = next((one for one in run.verdicts if one.check == check.name), None)
    if verdict is None:
        return ""
    part = f" ({verdict.points:g})" if verdict.points and not verdict.passed else ""
    name = f" `{verdict.misconception}`" if verdict.outcome is Outcome.FAILED else ""
    return f"{MARKS[verdict.outcome]}{name}{part}"


def prove(
    only: Iterable[str] | None = None,
    *,
    rounds: int = 20,
    root: Path | None = None,
    corpus: Path | None = None,
    busy: int = 0,
) -> Proof:
    """Run every lab's checks on the stub, the solution, and the programs of its corpus.

    Asked for: the stub as handed out earns 0 and each of its cards says something; the solution earns everything, in
    every edition and every round; each wrong submission fails just the checks that it is listed for; at least two
    other right designs earn everything; hints on three rungs in every language; no file that belongs to nothing.

    Args:
        only: numbers of labs; all of them if left out.
        rounds: how often the solution is run; other right designs a quarter as often.
        root: the course's folder, with `labs/` and `solutions/`; the working directory if left out.
        corpus: the folder of the submissions; without it, the course's own.
        busy: processes that keep the machine busy meanwhile.
    """
    root = root or Path.cwd()
    corpus = corpus or corpus_folder(root)
    known = {**catalogue.labs(), **catalogue.turns()}
    wanted = [name.upper() for name in only or known]
    before = current_language()
    faults = [] if only else list(_orphans(root, corpus))
    faults += [f"there is no lab {name}" for name in wanted if name not in known]
    try:
        with _busy(busy), asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            proofs = [
                runner.run((prove_turns if known[name].turns else _prove)(known[name], rounds, root, corpus))
                for name in wanted
                if name in known
            ]
    finally:
        use_language(before)
    return Proof(tuple(proofs), tuple(faults))


@contextlib.contextmanager
def _busy(count: int) -> Iterator[None]:
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


# What is there


def _orphans(root: Path, corpus: Path) -> Iterator[str]:
    known = catalogue.labs()
    for path in sorted(corpus.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            lab = path.relative_to(corpus).parts[0]
            if lab == turn_corpus.FOLDER and path.suffix == ".yml" and path.stem in catalogue.turns():
                continue
            if path.name in (EQUIVALENT, MISTAKES) and lab in known:
                continue
            if path.suffix != ".py" or lab not in known or path.parent.parent != corpus:
                yield f"corpus/{path.relative_to(corpus).as_posix()} belongs to no lab"
    yield from id_faults()
    slugs = {lab.slug for lab in known.values()}
    for path in sorted((root / "course" / "labs").glob("*.md")):
        if path.stem not in slugs:
            yield f"course/labs/{path.name} has no module in wslab.labs"


def shape_faults(lab: Lab, root: Path, corpus: Path | None = None) -> list[str]:
    """What a lab lacks, as far as it can be seen without running anything.

    Args:
        lab: the lab.
        root: the course's folder.
        corpus: the folder of the submissions; without it, the course's own.
    """
    programs = _corpus_of(lab, corpus or corpus_folder(root))
    return [*_text_faults(lab), *_corpus_faults(lab, programs), *_missing_files(lab, root)]


def _corpus_of(lab: Lab, corpus: Path) -> Path:
    """The folder of the corpora that has the lab's: the instructor's for a lab of theirs."""
    own = own_course.folder()
    return own / "corpus" if own is not None and not (corpus / lab.number).is_dir() else corpus


def _own_solutions(lab: Lab) -> dict[str, Path]:
    """Of an instructor's own lab the solved notebook of each edition that it has."""
    found = own_course.files(f"solutions/*/{lab.slug}/{lab.slug}.ipynb")
    return {path.parts[-3]: path for path in found if path.parts[-3] in LANGUAGES}


def _missing_files(lab: Lab, root: Path) -> Iterator[str]:
    if own_course.files(f"checks/l{lab.number[1:]}_*.py"):
        if not _own_solutions(lab):
            yield f"solutions/{LANGUAGES[0]}/{lab.slug}/{lab.slug}.ipynb is missing, and so is every other edition"
        for path in _own_solutions(lab).values():
            yield from (f"{path}: {fault}" for fault in _notebook_faults(lab, notebooks.code_cells(path)))
        return
    if not (root / "course" / "labs" / f"{lab.slug}.md").is_file():
        yield f"course/labs/{lab.slug}.md is missing"
    for folder in ("labs", "solutions"):
        for language in LANGUAGES:
            path = notebooks.path_of(root, lab, folder, language)
            where = path.relative_to(root).as_posix()
            if not path.is_file():
                yield f"{where} is missing; run `wslab build {lab.number}`"
            else:
                yield from (f"{where}: {fault}" for fault in _notebook_faults(lab, notebooks.code_cells(path)))


def _notebook_faults(lab: Lab, cells: Sequence[Cell]) -> Iterator[str]:
    for check in lab.checks:
        name = f"{lab.number}.{check.name}"
        asking = [cell for cell in cells if name in cell.checks]
        graded = [cell for cell in asking if cell.graded]
        if not check.points:
            if not asking:
                yield f"no cell calls check({name!r}, …)"
        elif len(graded) != 1:
            yield f"{len(graded)} graded cells call check({name!r}, …); it takes one"
        elif graded[0].points != check.points:
            yield f"the cell of {name} gives {graded[0].points:g} points, the check {check.points:g}"
    for cell in cells:
        if cell.graded and len(cell.checks) != 1:
            yield f"the graded cell {cell.grade_id!r} calls {len(cell.checks)} checks; it takes one"
        for name in cell.checks:
            number, _, rest = name.partition(".")
            if number != lab.number or (rest and lab.check(rest) is None):
                yield f"a cell calls check({name!r}, …), which is no check of this lab"


def _text_faults(lab: Lab) -> Iterator[str]:
    if not lab.checks or len({check.name for check in lab.checks}) != len(lab.checks):
        yield "its checks have no names of their own"
    for check in lab.checks:
        texts: list[tuple[str, Text]] = [("title", check.title)]
        if len(check.hints) != (0 if lab.turns else 3):
            yield f"{check.name}: {len(check.hints)} hints; a lab's takes three, a turn's none"
        for rung, hint in enumerate(check.hints, 1):
            texts.append((f"hint {rung}", hint.says))
        if check.hints and not check.hints[-1].code:
            yield f"{check.name}: the last hint shows no skeleton"
        if check.needs and lab.check(check.needs) is None:
            yield f"{check.name}: needs {check.needs!r}, which is no check of this lab"
        for wrong in check.wrong:
            texts += [(f"{wrong.id}: meaning", wrong.meaning), (f"{wrong.id}: next", wrong.next)]
            if wrong in general.GENERAL:
                yield f"{check.name}: {wrong.id} is general and need not be listed"
        for where, text in texts:
            for language in LANGUAGES:
                if language not in text.languages or not text.into(language).strip():
                    yield f"{check.name}: {where} has no {language!r}"
    by_id: dict[str, object] = {wrong.id: wrong for wrong in general.GENERAL}
    for wrong in (wrong for check in lab.checks for wrong in check.wrong):
        if by_id.setdefault(wrong.id, wrong) != wrong:
            yield f"two misconceptions are called {wrong.id!r}"


def _corpus_faults(lab: Lab, corpus: Path) -> Iterator[str]:
    try:
        programs = submissions(lab.number, corpus)
    except BadHeader as error:
        yield str(error)
        return
    right = [one for one in programs if one.expected.right]
    if len(right) < _RIGHT_DESIGNS:
        yield f"{len(right)} right designs in corpus/{lab.number}; it takes {_RIGHT_DESIGNS}"
    shared = {wrong.id for wrong in general.GENERAL}
    for one in programs:
        for name, misconception in one.expected.fails.items():
            check = lab.check(name)
            if check is None:
                yield f"{one.name}: {name!r} is no check of this lab"
            elif misconception not in shared | {wrong.id for wrong in check.wrong}:
                yield f"{one.name}: the check {name} knows no {misconception!r}"
        for name in one.expected.waits | one.expected.earns.keys():
            if lab.check(name) is None:
                yield f"{one.name}: {name!r} is no check of this lab"
    for check in lab.checks:
        if check.points and not any(check.name in one.expected.fails for one in programs):
            yield f"no submission fails {check.name}, so nothing shows that it can fail"


# The turns of a unit


async def prove_turns(unit: Lab, rounds: int, root: Path, corpus: Path) -> LabProof:
    """The proof of a unit's turns: the stub passes none, the solution passes, its lines become what they say.

    Args:
        unit: the turns.
        rounds: how often each solution is run.
        root: the course's folder.
        corpus: the folder of the corpora.
    """
    cells = turn_corpus.turn_cells(root).get(unit.number, ())
    lines = turn_corpus.corpus_of(unit.number, corpus)
    faults = [*_turn_faults(unit, cells, lines), *_text_faults(unit)]
    runs: list[Run] = []
    for cell in cells:
        check = unit.check(cell.name)
        if check is None:
            continue
        runs.append(await _turn_run(unit, check, f"{cell.name}, stub", cell, cell.stub, None, 1))
        runs.append(await _turn_run(unit, check, f"{cell.name}, solution", cell, cell.solved, "", rounds))
        for number, one in enumerate(lines.get(cell.name, turn_corpus.TurnCorpus()).lines, 1):
            code = cell.written(one.code, whole=one.whole)
            name = f"{cell.name}, lines {number}"
            runs.append(await _turn_run(unit, check, name, cell, code, one.fails, 1 if one.fails else rounds // 4 or 1))
    return LabProof(unit, tuple(runs), tuple(faults))


def _turn_faults(unit: Lab, cells: Sequence[TurnCell], lines: Mapping[str, turn_corpus.TurnCorpus]) -> Iterator[str]:
    names = [cell.name for cell in cells]
    for check in unit.checks:
        if check.name not in names:
            yield f"no cell calls check({f'{unit.number}.{check.name}'!r}, …)"
        known = lines.get(check.name, turn_corpus.TurnCorpus()).lines
        if not [one for one in known if not one.fails]:
            yield f"{check.name}: no lines but the solution are known to be right"
        for wrong in check.wrong:
            if wrong.id not in [one.fails for one in known]:
                yield f"{check.name}: no lines fail at {wrong.id}, so nothing shows that it is found"
    for name in [*names, *lines]:
        if unit.check(name) is None:
            yield f"{name} has no check in wslab.labs.turns"


async def _turn_run(
    unit: Lab, check: Check, name: str, cell: TurnCell, code: str, fails: str | None, rounds: int
) -> Run:
    expected = None if fails is None else Expected({check.name: fails} if fails else {})
    faults: list[str] = []
    verdicts: list[Verdict] = []
    slowest = 0.0
    for _ in range(rounds):
        begun = time.perf_counter()
        try:
            verdicts = await judged_turn(unit, check, cell.setup, code)
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
            break
        slowest = max(slowest, time.perf_counter() - begun)
        faults += [*_departures(verdicts, expected), *_card_faults(verdicts)]
    return Run(name, "", tuple(verdicts), rounds, slowest, tuple(faults))


async def judged_turn(unit: Lab, check: Check, setup: str, code: str) -> list[Verdict]:
    """The verdict on a turn whose cell says this, as a list of one.

    Args:
        unit: the turns of the unit.
        check: the turn's.
        setup: the code of the unit's setup cell.
        code: the turn's cell, without the line that asks for the check.
    """
    names = program(setup, "setup")
    exec(compile(code, f"<ipython-input {check.name}>", "exec", dont_inherit=True), names)
    return await judged(unit, [check], names)


# What it does


async def _prove(lab: Lab, rounds: int, root: Path, corpus: Path) -> LabProof:
    faults = shape_faults(lab, root, corpus)
    runs: list[Run] = []
    graded = [check for check in lab.checks if check.points]
    own = _own_solutions(lab)
    for folder, expected in (("labs", None), ("solutions", Expected())):
        for language in LANGUAGES:
            path = notebooks.path_of(root, lab, folder, language)
            if path.is_file() or language in own:
                use_language(language)
                built = language not in own
                cells = notebooks.code_cells(path) if built else _cells_of_own(root, lab, folder, language)
                # The code of the other editions is the same but for the name of the edition.
                times = 1 if expected is None or language != LANGUAGES[0] else rounds
                about = f"the {'stub' if expected is None else 'solution'}, {language}"
                runs.append(await _run(lab, lab.checks, f"{folder}/{language}", about, cells, expected, times))
    use_language(LANGUAGES[0])
    with contextlib.suppress(BadHeader):  # told above
        for one in submissions(lab.number, _corpus_of(lab, corpus)):
            times = max(1, rounds // 4) if one.expected.right else 1
            runs.append(await _run(lab, graded, one.name, one.about, one, one.expected, times))
    return LabProof(lab, tuple(runs), tuple(faults))


def _cells_of_own(root: Path, lab: Lab, folder: str, language: str) -> Sequence[Cell]:
    solved = notebooks.solved(root, lab, language)
    return notebooks.code_cells_of(solved if folder == "solutions" else to_bytes(lab_of(json.loads(solved))))


async def _run(
    lab: Lab,
    checks: Sequence[Check],
    name: str,
    about: str,
    program_of: Submission | Sequence[Cell],
    expected: Expected | None,
    rounds: int,
) -> Run:
    faults: list[str] = []
    verdicts: list[Verdict] = []
    slowest = 0.0
    for number in range(1, rounds + 1):
        begun = time.perf_counter()
        try:
            if isinstance(program_of, Submission):
                names: Mapping[str, Any] = _loaded(program_of)
            else:
                names = await cell_names(program_of, name)
            verdicts = await judged(lab, checks, names)
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
            break
        slowest = max(slowest, time.perf_counter() - begun)
        found = [*_departures(verdicts, expected), *_card_faults(verdicts)]
        faults += [f"round {number}: {fault}" if rounds > 1 else fault for fault in found]
    return Run(name, about, tuple(verdicts), rounds, slowest, tuple(faults))


def _loaded(one: Submission) -> Mapping[str, Any]:
    # The document's own way is one of the right designs; that it is outdated is taught in notebook 08.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"\s*on_event is deprecated", DeprecationWarning)
        return program(one.source, f"{one.name}.py")


async def cell_names(cells: Sequence[Cell], name: str) -> Mapping[str, Any]:
    """Run the cells of a lab but those that ask for checks or help, and return the names they leave.

    Args:
        cells: the code cells, in order.
        name: what places in them are called.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(cells, 1):
        if not cell.graded and not cell.checks and not _asks_for_help(cell.source):
            flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
            code = compile(cell.source, f"<ipython-input {name} {number}>", "exec", flags, dont_inherit=True)
            result = eval(code, names)
            if inspect.isawaitable(result):
                await result
            note_makers(RunOfCell(number, cell.source, None), names)
    return names


def _asks_for_help(source: str) -> bool:
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return any(isinstance(call.func, ast.Name) and call.func.id in ("hint", "solution", "reset") for call in calls)


async def judged(lab: Lab, checks: Sequence[Check], names: Mapping[str, Any]) -> list[Verdict]:
    """The verdicts of checks on the apps among `names`, each app served in this process while it is judged.

    Raises:
        WrongApp: one of them is no app.
    """
    verdicts: list[Verdict] = []
    for variable in dict.fromkeys(check.app for check in checks):
        about = [check for check in checks if check.app == variable]
        if names.get(variable, ...) is ...:
            verdicts += [not_run(lab, check, general.NO_APP, general.NO_APP.meaning, name=variable) for check in about]
            continue
        given = names[variable]
        venue: Served | ServedByProcesses = Served(Called(given) if about[0].calls else given)
        if about[0].processes:
            venue = several(given, variable)
        try:
            verdicts += [verdict async for verdict in judge_app(lab, about, venue)]
        finally:
            await venue.stop()
    return verdicts


def _departures(verdicts: Sequence[Verdict], expected: Expected | None) -> Iterator[str]:
    for verdict in verdicts:
        found = f"{verdict.outcome} {verdict.misconception}".strip()
        # Where an app never starts, each check names that as its own misconception.
        at_fault = verdict.misconception if verdict.outcome in (Outcome.FAILED, Outcome.NOT_RUN) else ""
        if verdict.misconception == general.STUMBLED.id:
            yield f"{verdict.check} stumbled: {verdict.meaning.into(LANGUAGES[0])}"
        elif expected is None:
            if verdict.points or verdict.passed:
                yield f"{verdict.check} gives {verdict.points:g} points to a stub"
        elif verdict.check in expected.fails:
            if at_fault != expected.fails[verdict.check]:
                yield f"{verdict.check} should fail at {expected.fails[verdict.check]}: {found}"
            elif verdict.points != expected.earns.get(verdict.check, 0):
                yield f"{verdict.check} earns {verdict.points:g} points"
        elif verdict.check in expected.waits:
            if verdict.outcome is not Outcome.BLOCKED:
                yield f"{verdict.check} should wait for another check: {found}"
        elif not verdict.passed:
            yield f"{verdict.check} should pass: {found}: {verdict.observed.into(LANGUAGES[0])}"


def _card_faults(verdicts: Sequence[Verdict]) -> Iterator[str]:
    for verdict in verdicts:
        told = {"observed": verdict.observed, "meaning": verdict.meaning, "next": verdict.next}
        for part, text in told.items():
            if verdict.passed and part != "observed":
                continue
            for language in LANGUAGES:
                sentence = text.into(language)
                if not sentence.strip():
                    yield f"the card of {verdict.check} has no {part} in {language!r}"
                elif "{" in sentence and part != "observed" and "`" not in sentence:
                    yield f"the card of {verdict.check} has a hole in its {part}: {sentence}"
        if not cards.verdict_html(verdict) or not cards.verdict_text(verdict):
            yield f"the card of {verdict.check} is empty"
