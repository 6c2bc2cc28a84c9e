"""Which cells of a submission run: the learner's own, and the lab's given ones as the kit has them.

A check's cell is never run: the judge knows the checks. So whatever happened to one, the same cells run, in the same
order; what happened is said in a remark.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wslab.grading.bindings import binds, may_bind
from wslab.grading.intake.opening import LearnerCell
from wslab.grading.task import Cell
from wslab.labs import notebooks
from wslab.language import Text, filled
from wslab.notebooks import cleared

_EDITED = Text(
    en="Edited, though they belong to the lab; the lab's own were taken: {names}.",
    tr="Alıştırmaya ait oldukları hâlde değiştirilmiş; alıştırmanın kendi hücreleri kullanıldı: {names}.",
)
_MISSING = Text(
    en="Missing, and put back from the lab: {names}.",
    tr="Eksik; alıştırmadan yerine konuldu: {names}.",
)
_TWICE = Text(
    en="There more than once; that changes nothing: {names}.",
    tr="Birden fazla kez var; bu bir şeyi değiştirmez: {names}.",
)
_MOVED = Text(
    en="The lab's own cells stand in another order than in the lab; that changes nothing.",
    tr="Alıştırmanın kendi hücreleri alıştırmadakinden farklı bir sırada; bu bir şeyi değiştirmez.",
)
_INVENTED = Text(
    en="Marked as checks, but no checks of this lab; they were left out: {names}.",
    tr="Sınama olarak işaretlenmiş, ama bu alıştırmanın sınaması değil; dışarıda bırakıldı: {names}.",
)
_NO_SOLUTION = Text(
    en="The cell to be written in is gone: {names}. Whatever other cells hold was run all the same.",
    tr="Yazılacak hücre silinmiş: {names}. Yine de diğer hücrelerde ne varsa çalıştırıldı.",
)
_SEVERAL_SOLUTIONS = Text(
    en="There more than once, and run in the order in which they stand: {names}.",
    tr="Birden fazla kez var ve bulundukları sırayla çalıştırıldı: {names}.",
)
_NOT_CODE = Text(
    en="Turned into text; it was run as code: {names}.",
    tr="Metne dönüştürülmüş; kod olarak çalıştırıldı: {names}.",
)
_ANOTHER_APP = Text(
    en="{name} makes another `app` after the checks. What was graded is the one before it.",
    tr="{name} sınamalardan sonra başka bir `app` oluşturuyor. Puanlanan, ondan önceki.",
)
_TOO_LATE = Text(
    en="{names} changes `app` below the last check. That has no say in the points, as in a notebook that is run from "
    "top to bottom; it belongs above the checks.",
    tr="{names} son sınamanın altında `app` üzerinde değişiklik yapıyor. Baştan sona çalıştırılan bir not defterinde "
    "olduğu gibi bu, puana etki etmez; sınamaların üstünde olmalı.",
)

_MAY_MAKE = Text(
    en="{name} stands below the checks and may make another `app`. What was graded is the one above.",
    tr="{name} sınamalardan sonra geliyor ve başka bir `app` oluşturuyor olabilir. Puanlanan, yukarıdaki.",
)

_CHANGES_APP = re.compile(r"(?m)^@?app\.\w")
_ASKING = {"check", "hint", "solution", "reset", "transcript", "stop_all", "progress"}
_AFTER_THE_CHECKS = {"reflection", "stretch", "check-all", "stop-at-the-end", "summary", "next"}


@dataclass(frozen=True, slots=True)
class Assembled:
    """What is run of a submission.

    Attributes:
        cells: in this order.
        remarks: what was not as it should be.
        own: what the learner has written of it.
    """

    cells: tuple[Cell, ...]
    remarks: tuple[Text, ...]
    own: tuple[str, ...] = ()


def assemble(handed: Sequence[LearnerCell], kit: Iterable[notebooks.Cell]) -> Assembled:
    """Choose the cells that run.

    Of the submission: the cells to be written in, and those that the learner added, in the learner's order. Of the kit:
    the given cells. Left out: checks, what only asks the kit for something (`hint(…)`), and what stands below the last
    check: in a notebook that is run from top to bottom it has no say in the points. Where no cell above has made an
    `app` it is run, since the whole solution may stand there.

    Args:
        handed: the submission's cells.
        kit: the code cells of the lab's solution.
    """
    return _Assembly(tuple(handed), tuple(cell for cell in kit if cell.grade_id)).assembled()


@dataclass(frozen=True, slots=True)
class _Kept:
    """A cell of the submission.

    Attributes:
        cell: its name and code.
        own: which of the lab's it is; empty for one that the learner added.
        below: whether it stands below the last check.
    """

    cell: Cell
    own: str
    below: bool


class _Assembly:
    def __init__(self, handed: tuple[LearnerCell, ...], kit: tuple[notebooks.Cell, ...]) -> None:
        self.handed = handed
        self.kit = {cell.grade_id: cell for cell in kit}
        self.order = list(self.kit)
        self.solutions = {cell.grade_id for cell in kit if cell.solution}
        self.given = {cell.grade_id for cell in kit if not cell.solution and not cell.graded}
        self.texts = {cell.source.strip(): cell.grade_id for cell in kit if not cell.solution}
        self.names: dict[str, str] = {}
        self.invented: list[str] = []
        self.not_code: list[str] = []

    def assembled(self) -> Assembled:
        kept = self._kept()
        below = [one.cell for one in kept if one.below]
        begun = bool(below) and any(not one.below and self._makes_app(one.cell.source) for one in kept)
        if begun:
            kept = [one for one in kept if not one.below]
        remarks = [*self._remarks([one.own for one in kept]), *(_about_cells_below(below) if begun else ())]
        own = tuple(one.cell.source for one in kept)
        return Assembled(tuple(one.cell for one in self._with_given(kept)), tuple(remarks), own)

    def _own(self, cell: LearnerCell) -> str:
        """Which of the lab's cells it is: by nbgrader's name, by the notebook's, or by the same text."""
        if cell.grade_id in self.kit:
            return cell.grade_id
        if not cell.grade_id and cell.id in self.kit:
            return cell.id
        return "" if cell.id or cell.grade_id else self.texts.get(cell.source.strip(), "")

    def _kept(self) -> list[_Kept]:
        kept: list[_Kept] = []
        count = 0
        last_check = self._last_check()
        for place, cell in enumerate(self.handed):
            own = self._own(cell)
            count += cell.kind == "code"
            name = f"In[{count}]"
            if own in self.solutions:
                if cell.kind != "code":
                    self.not_code.append(own)
                    name = own
            elif own:
                if cell.kind == "code":
                    self.names.setdefault(own, name)
                continue
            elif cell.graded:
                self.invented.append(cell.grade_id or name)
                continue
            elif cell.kind != "code" or _only_asks(cell.source):
                continue
            if cell.source.strip():
                kept.append(_Kept(Cell(name, cell.source), own, place > last_check))
        return kept

    def _last_check(self) -> int:
        """The place of the last graded check below the cells to be written in; behind the end where there is none."""
        first: dict[str, int] = {}
        asked: dict[str, int] = {}
        for place, cell in enumerate(self.handed):
            first.setdefault(self._own(cell), place)
            for check in notebooks.Cell(cell.source).checks if cell.kind == "code" else ():
                asked.setdefault(check, place)
        written = max((first.get(one, -1) for one in self.solutions), default=-1)
        graded = [cell for cell in self.kit.values() if cell.graded]
        checks = [
            first.get(cell.grade_id, max((asked.get(one, -1) for one in cell.checks), default=-1)) for cell in graded
        ]
        if max(checks, default=-1) > written:
            return max(checks)
        marks = (place for place, cell in enumerate(self.handed) if place > written and self._follows_the_checks(cell))
        return next(marks, len(self.handed))

    def _follows_the_checks(self, cell: LearnerCell) -> bool:
        return cell.grade_id in _AFTER_THE_CHECKS or cell.id in _AFTER_THE_CHECKS

    def _makes_app(self, source: str) -> bool:
        return source.split() not in self.stubs and may_bind(source, "app")

    @functools.cached_property
    def stubs(self) -> list[list[str]]:
        """The cells to be written in as they are handed out, word by word."""
        return [cleared(self.kit[one].source, "code").split() for one in self.solutions]

    def _with_given(self, kept: list[_Kept]) -> list[_Kept]:
        """The given cells in their places: behind the solution cell that they follow in the lab, before the next."""
        for grade_id in [one for one in self.order if one in self.given]:
            here = self.order.index(grade_id)
            before = set(self.order[:here])
            after = set(self.order[here + 1 :]) & self.solutions
            place = max(
                (at + 1 for at, one in enumerate(kept) if one.own in before or one.own in self.given), default=0
            )
            place = min([place, *(at for at, one in enumerate(kept) if one.own in after)])
            cell = Cell(self.names.get(grade_id, grade_id), self.kit[grade_id].source)
            kept = [*kept[:place], _Kept(cell, grade_id, False), *kept[place:]]
        return kept

    def _remarks(self, ran: Sequence[str]) -> Iterable[Text]:
        found: dict[str, list[LearnerCell]] = {}
        for cell in self.handed:
            if own := self._own(cell):
                found.setdefault(own, []).append(cell)
        locked = [one for one in self.order if one not in self.solutions]
        edited = [one for one in locked if any(self._differs(cell) for cell in found.get(one, ()))]
        missing = [one for one in locked if one not in found]
        twice = [one for one in locked if len(found.get(one, ())) > 1]
        known = any(cell.id or cell.grade_id for cell in self.handed)  # Colab may drop the names of all cells
        gone = [one for one in self.order if one in self.solutions and one not in found and known]
        several = [one for one in self.order if ran.count(one) > 1]
        for text, names in (
            (_EDITED, edited),
            (_MISSING, missing),
            (_TWICE, twice),
            (_INVENTED, self.invented),
            (_NO_SOLUTION, gone),
            (_SEVERAL_SOLUTIONS, several),
            (_NOT_CODE, self.not_code),
        ):
            if names:
                yield filled(text, names=", ".join(f"`{name}`" for name in dict.fromkeys(names)))
        if list(found) != [one for one in self.order if one in found]:
            yield _MOVED

    def _differs(self, cell: LearnerCell) -> bool:
        own = self.kit[self._own(cell)]
        points = cell.points is not None and own.graded and cell.points != own.points
        return cell.kind != "code" or cell.source.strip() != own.source.strip() or points


def _only_asks(source: str) -> bool:
    """Whether a cell does nothing but ask the kit for something, or nothing at all."""
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, ast.Expr) and _asks(node.value) for node in body)


def _asks(node: ast.expr) -> bool:
    node = node.value if isinstance(node, ast.Await) else node
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    simple = all(
        isinstance(value, ast.Constant | ast.Name | ast.Attribute)
        for value in (*node.args, *(keyword.value for keyword in node.keywords))
    )
    return name in _ASKING and simple


def _about_cells_below(cells: Sequence[Cell]) -> Iterable[Text]:
    """What there is to say of cells that were not run, since they stand below the last check."""
    another = next((cell for cell in cells if binds(cell.source, "app")), None)
    if another is not None:
        yield filled(_ANOTHER_APP, name=another.name)
    elif late := [cell.name for cell in cells if _CHANGES_APP.search(cell.source)]:
        yield filled(_TOO_LATE, names=", ".join(late))
    elif hiding := next((cell for cell in cells if may_bind(cell.source, "app")), None):
        yield filled(_MAY_MAKE, name=hiding.name)
