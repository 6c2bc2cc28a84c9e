"""A folder of submissions, from intake to the rows of a report: the order of steps that are modules of their own."""

from __future__ import annotations

import fnmatch
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

from wslab.errors import LabError
from wslab.grading import running
from wslab.grading.assembly import Assembled, assemble
from wslab.grading.intake.people import Before
from wslab.grading.intake.roster import Roster
from wslab.grading.intake.submissions import MOST_PEOPLE, Handed, Intake, stumbled, take_in
from wslab.grading.intake.utf8 import known_as
from wslab.grading.intake.whose import Student, comes_from_an_export, folded, is_zip, words
from wslab.grading.ledger import FILE as LEDGER
from wslab.grading.ledger import Ledger, fingerprint, kit_version
from wslab.grading.task import Limits, Result, Task
from wslab.grading.written import Answer, questions
from wslab.labs import notebooks
from wslab.labs.catalogue import labs
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES, Filled, Text, filled

_NO_FOLDER = Text(
    en="There is no folder or zip {path}.",
    tr="{path} adlı bir klasör ya da zip yok.",
)
_NO_ZIP = Text(
    en="{path} is no zip, or a damaged one. Wanted: a folder of submissions, or one zip.",
    tr="{path} bir zip değil ya da bozuk. Beklenen: teslimlerin olduğu bir klasör ya da bir zip.",
)
_SAME = Text(
    en="{path} holds the submissions, so the results need another folder: --out {path}/results.",
    tr="{path} teslimlerin klasörü; sonuçlar için başka bir klasör gerekir: --out {path}/results.",
)
_NOTHING = Text(
    en="No notebook was found in {path}. Wanted: a folder with one folder for each student, nbgrader's submitted/, "
    "or what Moodle or Canvas export.",
    tr="{path} içinde not defteri bulunamadı. Beklenen: her öğrenci için bir klasörün olduğu bir klasör, nbgrader'ın "
    "submitted/ klasörü ya da Moodle veya Canvas'ın dışa aktardığı dosyalar.",
)
_NO_SOLUTION = Text(
    en="The solution of {lab} is not here ({path}); run wslab grade in the course's folder.",
    tr="{lab} çözümü burada yok ({path}); wslab grade komutunu kursun klasöründe çalıştırın.",
)
_NEWEST = Text(
    en="{count} notebooks of {lab} were handed in. Graded was the newest, {graded}, and not {others}.",
    tr="{lab} için {count} not defteri teslim edilmiş. En yenisi ({graded}) puanlandı; şunlar puanlanmadı: {others}.",
)
_BEST = Text(
    en="{count} notebooks of {lab} were handed in, and all were graded. The best, {graded}, counts, and not {others}.",
    tr="{lab} için {count} not defteri teslim edilmiş ve hepsi puanlandı. En iyisi ({graded}) sayıldı; şunlar "
    "sayılmadı: {others}.",
)
_EARLIER = Text(
    en="Another one came with a later drop ({place}), and does not count: {why}.",
    tr="Sonraki bir teslim klasöründe bir tane daha var ({place}), ama sayılmadı: {why}.",
)
_REPLACED = Text(
    en="An earlier drop had another one ({place}); this one counts now.",
    tr="Önceki bir teslim klasöründe başka bir tane vardı ({place}); artık bu sayılıyor.",
)
_OLDER = Text(en="it is older", tr="daha eski")
_WORSE = Text(en="it is not better", tr="daha iyi değil")
_NOBODY_WANTED = Text(
    en="--only {pattern} names nothing that was handed in. There is: {names}.",
    tr="--only {pattern} teslim edilenlerden hiçbirini göstermiyor. Teslim edilenler: {names}.",
)
_NOT_YET = Text(
    en="Not graded yet.",
    tr="Henüz puanlanmadı.",
)
_MOST_CODE = 100_000


@dataclass(frozen=True, slots=True)
class Row:
    """One lab of one student in the reports.

    Attributes:
        student: whose it is.
        lab: which lab; None where nobody knows.
        language: of the notebook that was handed in.
        timestamp: when it was handed in, in UTC; empty where nobody knows.
        place: where it was.
        result: what became of it; None where it could not be graded.
        reason: why there is no result; None where there is one.
        remarks: what else there is to say.
        code: the cells that they wrote, one behind the other.
        answers: what they wrote in words.
        exported: what an export called the student's folder or file; empty where none did.
        replaced: where the one lay, in an earlier drop, whose place this one has taken; empty for none.
        digest: of the notebook that was handed in; empty where there is none.
        source: the folder in which the place is; empty where a version before has not kept it.
    """

    student: Student
    lab: Lab | None
    language: str = LANGUAGES[0]
    timestamp: str = ""
    place: str = ""
    result: Result | None = None
    reason: Text | None = None
    remarks: tuple[Text, ...] = ()
    code: str = ""
    answers: tuple[Answer, ...] = ()
    exported: str = ""
    replaced: str = ""
    digest: str = ""
    source: str = ""

    @property
    def notes(self) -> tuple[Text, ...]:
        """Everything there is to say: the reason, the remarks, the grader's own notes."""
        own = self.result.notes if self.result is not None else ()
        replaced = (filled(_REPLACED, place=self.replaced),) if self.replaced else ()
        return ((self.reason,) if self.reason is not None else ()) + replaced + self.remarks + own


@dataclass(frozen=True, slots=True)
class Batch:
    """What came of a folder of submissions.

    Attributes:
        rows: one a student and lab, in that order.
        ownerless: what nobody can be named for, by place.
        progress: by student, the bytes of the progress file that was handed in.
        graded: how many rows were judged in this run.
        kept: how many rows have a result from before.
        failed: how many were to be judged, and could not be.
    """

    rows: tuple[Row, ...]
    ownerless: Mapping[str, Text] = field(default_factory=dict)
    progress: Mapping[str, bytes] = field(default_factory=dict)
    graded: int = 0
    kept: int = 0
    failed: int = 0

    @property
    def labs(self) -> tuple[Lab, ...]:
        """The labs that were handed in."""
        numbers = {row.lab.number for row in self.rows if row.lab is not None}
        return tuple(lab for number, lab in labs().items() if number in numbers)


@dataclass(frozen=True, slots=True)
class Selection:
    """What is judged in a run.

    Attributes:
        only: `"ayse/L1"`, `"ayse"`, `"L1"`, with `*` and `?`; everything if empty.
        regrade: whether what has a result is judged again.
        limits: what each submission may use up.
        require_sandbox: whether to refuse where a submission can't be kept apart.
        best: whether of several notebooks of one lab the best counts, and not the newest.
        fresh: whether to forget what earlier drops brought.
        most: people that one zip may hold work of.
        trust: zips and files in the drop that are what their name says, with `*` and `?`.
    """

    only: tuple[str, ...] = ()
    regrade: bool = False
    limits: Limits = field(default_factory=Limits)
    require_sandbox: bool = False
    best: bool = False
    fresh: bool = False
    most: int = MOST_PEOPLE
    trust: tuple[str, ...] = ()

    def wants(self, student: Student, lab: str) -> bool:
        """Whether a submission is among those that are to be judged."""
        return not self.only or any(_matches(pattern, student, lab) for pattern in self.only)


def _matches(pattern: str, student: Student, lab: str) -> bool:
    names = {student.id.casefold(), student.name.casefold(), folded(student.id), folded(student.name)}
    wholes = {*names, lab.casefold(), *(f"{name}/{lab.casefold()}" for name in names)}
    bare, slash, end = pattern.rpartition("/")
    # `folded` would take `*` and `?` away.
    alike = {pattern.casefold(), folded(pattern) if pattern.isprintable() and not set(pattern) & set("*?[/") else ""}
    if slash and not set(bare) & set("*?["):
        alike.add(f"{folded(bare)}/{end.casefold()}")
    # A name may have a bracket in it, which would stand for one of several letters.
    return any(one and (whole == one or fnmatch.fnmatchcase(whole, one)) for one in alike for whole in wholes)


@dataclass(slots=True)
class _Candidate:
    """One notebook that may count for a student and lab."""

    handed: Handed
    row: Row
    print: str = ""
    task: Task | None = None
    kept: bool = False


def grade_all(
    submissions: Path,
    out: Path,
    root: Path,
    grader: running.Grader,
    open_executor: running.Open,
    *,
    selection: Selection = Selection(),
    roster: Roster | None = None,
    at_once: int = running.WORKERS,
    progress: Callable[[int, int, str], None] = lambda done, of, name: None,
) -> Batch:
    """Grade what was dropped, and keep each result in `out` as it arrives.

    What earlier drops brought into `out` is part of the batch, unless a newer notebook takes its place.

    Args:
        submissions: the folder, or a zip.
        out: the folder for the results.
        root: the course's folder, which has `solutions/`.
        grader: judges one task.
        open_executor: where it runs.
        selection: which submissions, and how.
        roster: the class list, if there is one.
        at_once: how many at a time.
        progress: is told after each one how many are done, of how many, and which it was.

    Raises:
        LabError: there is nothing to grade, or no place to keep results.
        KeyboardInterrupt: Ctrl-C; what was finished is kept.
    """
    if not submissions.exists():
        raise LabError(_NO_FOLDER, path=submissions)
    if submissions.is_file() and not zipfile.is_zipfile(submissions):
        raise LabError(_NO_ZIP, path=submissions)
    if out.exists() and out.samefile(submissions):
        raise LabError(_SAME, path=out)
    earlier: list[tuple[str, Row]] = []
    if (out / LEDGER).exists() and not selection.fresh:
        earlier = [(print_, _row_of(data, result)) for print_, data, result in Ledger(out).rows()]
    source = str((submissions if submissions.is_dir() else submissions.parent).resolve())
    before = [_before(row, submissions, source) for _, row in earlier]
    taken = take_in(submissions, roster=roster, most=selection.most, earlier=before, trust=selection.trust, but=out)
    if not taken.handed and not taken.problems:
        raise LabError(_NOTHING, path=submissions)
    _check_only(selection, taken)
    ledger = Ledger(out)
    if selection.fresh:
        ledger.clear()
    candidates, spoiled = _candidates(taken, root, ledger, selection)
    by_print: dict[tuple[str, str, str], list[_Candidate]] = {}
    for one in (one for ones in candidates.values() for one in ones if one.task is not None):
        by_print.setdefault((one.handed.student.id, one.handed.lab, one.print), []).append(one)
    tasks = [ones[0].task for ones in by_print.values() if ones[0].task is not None]
    prints = {id(task): key for task, key in zip(tasks, by_print, strict=True)}
    failed: list[Task] = []
    finished: list[Task] = []

    def done(task: Task, outcome: Result | Text) -> None:
        key = prints[id(task)]
        if isinstance(outcome, Result):
            ledger.put(key[2], outcome)
        else:
            failed.append(task)
        for one in by_print[key]:
            if isinstance(outcome, Result):
                one.row = replace(one.row, result=outcome, reason=None)
            else:
                one.row = replace(one.row, result=None, reason=outcome)
        finished.append(task)
        progress(len(finished), len(tasks), f"{by_print[key][0].row.student.name} · {task.lab}")

    progress(0, len(tasks), "")
    if tasks:
        running.run(tasks, grader, open_executor, done, at_once=at_once)
    chosen = {key: _chosen(ones, selection) for key, ones in candidates.items()}
    rows, ownerless = _with_problems({key: one.row for key, one in chosen.items()}, taken)
    printed = {
        key: (chosen[key].print if key in chosen else "", replace(row, source=source)) for key, row in rows.items()
    }
    together = _together(printed, earlier, taken, best=selection.best)
    ledger.keep(
        ((print_, _data_of(row)) for print_, row in together.values()),
        str(submissions.resolve()),
        ownerless,
        taken.progress,
    )
    whole = tuple(together[key][1] for key in sorted(together))
    judged = {key for key, one in chosen.items() if one.row.result is not None and not one.kept}
    graded = sum(together[key][1].result is chosen[key].row.result for key in judged)
    return Batch(
        whole,
        ledger.ownerless(),
        ledger.progress(),
        graded,
        sum(row.result is not None for row in whole) - graded,
        len(failed) + spoiled,
    )


def _before(row: Row, submissions: Path, source: str) -> Before:
    within = row.place if row.source in ("", source) else ""
    if submissions.is_file():
        top = f"{known_as(submissions.name)}/"
        within = within.removeprefix(top) if within.startswith(top) else ""
    lab = row.lab.number if row.lab is not None else ""
    return Before(row.student, lab, row.place, row.digest, within, bool(row.digest or row.code))


def _check_only(selection: Selection, taken: Intake) -> None:
    """Refuse a pattern that names nothing: it would look like a run in which all was well."""
    for pattern in selection.only:
        if not any(_matches(pattern, one.student, one.lab) for one in taken.handed):
            names = [f"{one.student.id}/{one.lab}" for one in taken.handed]
            shown = ", ".join(names[:40]) + (", …" if len(names) > 40 else "")
            raise LabError(_NOBODY_WANTED, pattern=pattern, names=shown or "–")


def _candidates(
    taken: Intake, root: Path, ledger: Ledger, selection: Selection
) -> tuple[dict[tuple[str, str], list[_Candidate]], int]:
    """What may count for each student and lab, the newest first, and how many the kit stumbled over."""
    kit = kit_version()
    found: dict[tuple[str, str], list[_Candidate]] = {}
    spoiled = 0
    for newest in taken.handed:
        key = (newest.student.id, newest.lab)
        older = taken.older.get(key, ()) if selection.best else ()
        for handed in (newest, *older):
            whose = taken.questions.get(handed.student.id, ()) if handed is newest else ()
            said = (*whose, *handed.remarks)
            wanted = selection.wants(handed.student, handed.lab)
            solution = _solution(root, handed)
            try:
                assembled = assemble(handed.notebook.cells, solution)
                task = _task(handed, assembled, selection)
                print_ = fingerprint(task, kit)
            except Exception as error:  # one submission must not end the run of a class
                found.setdefault(key, []).append(_Candidate(handed, _row(handed, said, reason=stumbled(error))))
                spoiled += wanted
                continue
            kept = ledger.get(*key, print_)
            row = _row(handed, said + assembled.remarks, result=kept, reason=None if kept is not None else _NOT_YET)
            asked = questions(root, handed.notebook.lab, handed.notebook.language)
            own = "\n\n".join(assembled.own)[:_MOST_CODE]
            row = replace(row, code=own, answers=asked.answers(handed.notebook.cells))
            judge = wanted and (kept is None or selection.regrade)
            one = _Candidate(handed, row, print_, task if judge else None, kept is not None and not judge)
            found.setdefault(key, []).append(one)
        others = taken.older.get(key, ())
        if others and not selection.best:
            text = filled(
                _NEWEST,
                count=len(others) + 1,
                lab=newest.lab,
                graded=newest.place,
                others=", ".join(other.place for other in others),
            )
            found[key][0].row = replace(found[key][0].row, remarks=(*found[key][0].row.remarks, text))
    return found, spoiled


def _chosen(candidates: list[_Candidate], selection: Selection) -> _Candidate:
    """Which of several counts: the newest, or the newest of the best ones."""
    if len(candidates) == 1:
        return candidates[0]
    scores = [-1.0 if one.row.result is None else float(one.row.result.score) for one in candidates]
    best = candidates[scores.index(max(scores))]
    text = filled(
        _BEST,
        count=len(candidates),
        lab=best.handed.lab,
        graded=best.handed.place,
        others=", ".join(one.handed.place for one in candidates if one is not best),
    )
    best.row = replace(best.row, remarks=(*best.row.remarks, text))
    return best


def _together(
    now: Mapping[tuple[str, str], tuple[str, Row]],
    earlier: Iterable[tuple[str, Row]],
    taken: Intake,
    *,
    best: bool,
) -> dict[tuple[str, str], tuple[str, Row]]:
    """The rows of this drop and of those before it, by student and lab."""
    whole = dict(now)
    here = {row.student.id for _, row in now.values()}
    places = {(row.source, row.place): row.student.id for _, row in now.values() if row.place}
    counting = [row for _, row in now.values() if row.digest and not _is_kept_apart(row)]
    absent = {one.student.id for one in taken.problems if one.student is not None and one.absent}
    for print_, old in earlier:
        key = (old.student.id, old.lab.number if old.lab is not None else "")
        known = _is_kept_apart(old) and any(_is_that_of(old, row) for row in counting)
        if known or places.get((old.source, old.place), key[0]) != key[0]:
            continue  # by now it is known whose it is
        if not key[1]:
            if old.student.id not in here:
                whole.setdefault(key, (print_, old))
            continue
        if old.student.id in absent:
            whole.pop((old.student.id, ""), None)
        if key not in whole:
            whole[key] = (print_, old)
            continue
        new_print, new = whole[key]
        if new_print and new_print == print_ and new.digest == old.digest:
            # The same once more: it was handed in when it came first.
            since = min(old.timestamp, new.timestamp)
            new = replace(new, timestamp=since, exported=new.exported or old.exported, replaced=old.replaced)
            whole[key] = (print_, new)
            continue
        why: Text | None = None
        if old.result is not None and old.place != new.place:
            if new.result is None:
                why = new.reason
            elif best and old.result.score >= new.result.score:
                why = _WORSE
            elif not best and old.timestamp > new.timestamp:
                why = _OLDER
        if why is not None:
            whole[key] = (print_, _noted(old, filled(_EARLIER, place=new.place, why=why)))
        else:
            another = old.result is not None and old.code not in ("", new.code)
            whole[key] = (whole[key][0], replace(new, replaced=old.place if another else old.replaced))
    for id, lab in [key for key in whole if not key[1]]:
        # Somebody handed in a lab earlier, and what came now belongs to none.
        reason = whole[id, lab][1].reason
        if reason is not None and (first := min((key for key in whole if key[0] == id and key[1]), default=None)):
            print_, row = whole[first]
            whole[first] = print_, _noted(row, _said(whole.pop((id, lab))[1].place, reason))
    return whole


def _is_kept_apart(row: Row) -> bool:
    """Whether it is called as the zip or file that it lies in, since nobody knew whose it is."""
    id = row.student.id
    in_a_zip = any(is_zip(part) for part in id.split("/")) and row.place.startswith(f"{id}/")
    return not row.student.origin and (in_a_zip or row.place == id)


def _is_that_of(apart: Row, row: Row) -> bool:
    """Whether what was kept apart is the notebook that counts for the person of this name."""
    return apart.digest == row.digest and set(words(row.student.name)) <= set(words(apart.student.id))


def _data_of(row: Row) -> dict[str, Any]:
    return {
        "student": list(astuple(row.student)),
        "lab": row.lab.number if row.lab is not None else "",
        "language": row.language,
        "timestamp": row.timestamp,
        "place": row.place,
        "reason": None if row.reason is None else row.reason.spoken(),
        "remarks": [one.spoken() for one in row.remarks],
        "code": row.code,
        "answers": [[one.question, one.text] for one in row.answers],
        "exported": row.exported,
        "replaced": row.replaced,
        "digest": row.digest,
        "source": row.source,
    }


def _row_of(data: Mapping[str, Any], result: Result | None) -> Row:
    reason = None if data["reason"] is None else Filled(**data["reason"])
    remarks = tuple(Filled(**one) for one in data["remarks"])
    student, lab = Student(*data["student"]), labs().get(data["lab"])
    # Versions before have kept none of these.
    code, answers = data.get("code", ""), tuple(Answer(*one) for one in data.get("answers", ()))
    parts = (part for part in data["place"].split("/") if comes_from_an_export(part))
    exported, replaced = data.get("exported", next(parts, "")), data.get("replaced", "")
    whose = (student, lab, data["language"], data["timestamp"], data["place"])
    kept = (data.get("digest", ""), data.get("source", ""))
    return Row(*whose, result, reason, remarks, code, answers, exported, replaced, *kept)


def _solution(root: Path, handed: Handed) -> tuple[notebooks.Cell, ...]:
    lab = handed.notebook.lab
    try:
        return notebooks.code_cells_of(notebooks.solved(root, lab, handed.notebook.language))
    except (OSError, ValueError):
        path = notebooks.path_of(root, lab, "solutions", handed.notebook.language)
        raise LabError(_NO_SOLUTION, lab=lab.number, path=path) from None


def _row(handed: Handed, remarks: tuple[Text, ...], *, result: Result | None = None, reason: Text | None) -> Row:
    notebook = handed.notebook
    return Row(
        handed.student,
        notebook.lab,
        notebook.language,
        handed.timestamp,
        handed.place,
        result,
        reason,
        remarks,
        exported=handed.exported,
        digest=handed.digest,
    )


def _task(handed: Handed, assembled: Assembled, selection: Selection) -> Task:
    return Task(
        handed.student.id,
        handed.lab,
        handed.notebook.language,
        assembled.cells,
        selection.limits,
        selection.require_sandbox,
        handed.files,
    )


def _with_problems(
    rows: Mapping[tuple[str, str], Row], taken: Intake
) -> tuple[dict[tuple[str, str], Row], Mapping[str, Text]]:
    """What can't be graded is a remark where the student has a row for it, and has a row of its own elsewhere.

    What belongs to no lab, such as a damaged zip, is a remark on the student's first row, if there is one.
    """
    whole = dict(rows)
    ownerless: dict[str, Text] = {}
    for problem in sorted(taken.problems, key=lambda one: not one.lab):
        if problem.student is None:
            ownerless[problem.place] = problem.reason
            continue
        key = (problem.student.id, problem.lab)
        if not problem.lab:
            key = min((one for one in whole if one[0] == problem.student.id), default=key)
        if key in whole:
            whole[key] = _noted(whole[key], _said(problem.place, problem.reason))
        else:
            asked = taken.questions.get(problem.student.id, ())
            whole[key] = Row(
                problem.student,
                labs().get(problem.lab),
                place=problem.place,
                reason=problem.reason,
                remarks=asked,
                exported=problem.exported,
            )
    return whole, ownerless


def _said(place: str, reason: Text) -> Text:
    return Filled(**{code: f"{place}: {reason.into(code)}" for code in LANGUAGES})


def _noted(row: Row, remark: Text) -> Row:
    return replace(row, remarks=tuple(dict.fromkeys((*row.remarks, remark))))


def languages_of(rows: Iterable[Row]) -> dict[str, str]:
    """The language of each student's page: that of the first lab that was handed in."""
    found: dict[str, str] = {}
    for row in rows:
        if row.result is not None:
            found.setdefault(row.student.id, row.language)
    for row in rows:
        found.setdefault(row.student.id, row.language)
    return found
