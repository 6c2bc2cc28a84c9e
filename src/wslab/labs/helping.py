"""Help on demand: hints in three rungs, the solution once it is open, and a fresh copy of a lab."""

from __future__ import annotations

import html
import json
from pathlib import Path

from wslab.course_update import RELEASED, read_manifest
from wslab.errors import LabError
from wslab.labs import cards, catalogue, notebooks
from wslab.labs.checking import ATTEMPTS_BEFORE_SOLUTION, attempts_left, show
from wslab.labs.lab import Check, Lab
from wslab.language import Text, current_language
from wslab.notebooks import lab_of, to_bytes
from wslab.picture import sentence_html
from wslab.progress import store
from wslab.progress.database import course_root

_RUNGS = Text(
    en="There are three hints: write {name!r} alone for the next one, or a number from 1 to 3.",
    tr="Üç ipucu var: sıradaki için yalnızca {name!r} yazın ya da 1 ile 3 arasında bir sayı verin.",
)
_CLOSED = Text(
    en="The solution of {name} opens once the check passes, or after {honest} honest attempts: runs of an app in which "
    "you have changed something. {left} to go. Until then: `hint({name!r})`",
    tr="{name} çözümü, sınamayı geçince ya da {honest} gerçek denemeden (bir şeyini değiştirdiğiniz bir uygulamayı "
    "sınamaktan) sonra açılır. Kalan: {left}. O zamana kadar: `hint({name!r})`",
)
_ONE_WAY = Text(
    en="{name}: one way to do it. Others are as good if the check passes.",
    tr="{name}: bir çözüm yolu. Sınamayı geçen başka yollar da aynı derecede iyidir.",
)
_NOT_HERE = Text(
    en="The labs that come with wslab are not on this machine. Install it anew: {again}",
    tr="wslab ile gelen alıştırmalar bu makinede yok. Yeniden kurun: {again}",
)
_KEPT = Text(
    en="The solutions of this course are with your instructor. `hint({name!r})` goes on helping.",
    tr="Bu kursun çözümleri eğitmeninizde. `hint({name!r})` yardım etmeyi sürdürür.",
)
_AGAIN = "pip install --force-reinstall wslab"
_FRESH = Text(
    en="A fresh copy of {lab} is in {path}; your own is as you left it.",
    tr="{lab} alıştırmasının yeni bir kopyası burada: {path}. Sizinki bıraktığınız gibi duruyor.",
)


_FOLDED = Text(
    en='A "your turn" has no hints: one way to write it is folded below its cell.',
    tr='"Sıra sizde" hücrelerinin ipucu yok: bir yazım yolu, hücrenin altında katlı duruyor.',
)
_ONLY_LABS = Text(
    en="There is a fresh copy of labs alone; {name} is a unit, and its notebook is where you got the course.",
    tr="Yeni kopya yalnızca alıştırmalar için üretilir; {name} bir birim, not defteri kursu aldığınız yerde duruyor.",
)


def hint(name: str, rung: int | None = None) -> None:
    """Show the next hint of a check, with those before it.

    Args:
        name: a check: `"L1.echo"`.
        rung: 1, 2 or 3, to open up to that one; without it, one more than last time.

    Raises:
        LabError: there is no such check, or no such rung.
    """
    lab, one = catalogue.find_check(name)
    full = f"{lab.number}.{one.name}"
    if lab.turns:
        show(cards.framed(f"<p>{sentence_html(_FOLDED)}</p>"), str(_FOLDED))
        return
    if rung is not None and (isinstance(rung, bool) or rung not in (1, 2, 3)):
        raise LabError(_RUNGS, name=full)
    opened = max((kept.rung for kept in store().hints(lab.number, one.name)), default=0)
    wanted = min(opened + 1, len(one.hints)) if rung is None else rung
    for new in range(opened + 1, wanted + 1):
        store().hint(lab.number, one.name, new)
    hints, fault = one.hints[:wanted], store().fault
    show(cards.hints_html(full, hints, fault), cards.hints_text(full, hints, fault))


def solution(name: str) -> None:
    """Show how a check can be passed, once it has been passed or honestly tried three times.

    In a course that an instructor has handed out by `wslab release`, the instructor keeps the solutions.

    Args:
        name: a check: `"L1.echo"`.

    Raises:
        LabError: there is no such check, or the solutions are not on this machine.
    """
    lab, one = catalogue.find_check(name)
    full = f"{lab.number}.{one.name}"
    if lab.turns:
        show(cards.framed(f"<p>{sentence_html(_FOLDED)}</p>"), str(_FOLDED))
        return
    left = attempts_left(lab.number, one.name)
    if left:
        closed = _CLOSED.format(name=full, honest=ATTEMPTS_BEFORE_SOLUTION, left=left)
        show(cards.framed(f"<p>{sentence_html(closed)}</p>"), closed)
        return
    root = course_root()
    handed_out = read_manifest(root)
    if handed_out is not None and handed_out.source == RELEASED:
        kept = _KEPT.format(name=full)
        show(cards.framed(f"<p>{sentence_html(kept)}</p>"), kept)
        return
    code = solution_code(root, lab, one)
    told = _ONE_WAY.format(name=full)
    show(cards.framed(f"<p>{sentence_html(told)}</p><pre>{html.escape(code)}</pre>"), f"{told}\n\n{code}")


def solution_code(root: Path, lab: Lab, check: Check) -> str:
    """The solved cells that make the app which `check` is about.

    Raises:
        LabError: it is nowhere.
    """
    try:
        solved = notebooks.solved(root, lab, current_language())
        cells = [cell for cell in notebooks.code_cells_of(solved) if cell.solution]
    except (OSError, ValueError):
        raise LabError(_NOT_HERE, again=_AGAIN) from None
    about = [cell for cell in cells if cell.assigns(check.app)]
    return "\n\n\n".join(cell.solved for cell in about or cells)


def reset(name: str) -> None:
    """Write a fresh copy of a lab beside the learner's own, which stays as it is.

    Args:
        name: a lab: `"L1"`.

    Raises:
        LabError: there is no such lab, or nothing to make a copy from.
    """
    if name.strip() in catalogue.turns():
        raise LabError(_ONLY_LABS, name=name)
    lab, _ = catalogue.find(name)
    root = course_root()
    try:
        fresh = to_bytes(lab_of(json.loads(notebooks.solved(root, lab, current_language()))))
    except (OSError, ValueError):
        raise LabError(_NOT_HERE, again=_AGAIN) from None
    own = notebooks.path_of(root, lab, "labs", current_language())
    folder = Path.cwd() if (Path.cwd() / own.name).is_file() else own.parent
    folder.mkdir(parents=True, exist_ok=True)
    path = _free(folder, lab)
    path.write_bytes(fresh)
    told = _FRESH.format(lab=lab.number, path=_short(path))
    show(cards.framed(f"<p>{sentence_html(told)}</p>"), told)


def _free(folder: Path, lab: Lab) -> Path:
    names = [f"{lab.slug}-fresh.ipynb", *(f"{lab.slug}-fresh-{number}.ipynb" for number in range(2, 1000))]
    return next(path for path in (folder / name for name in names) if not path.exists())


def _short(path: Path) -> str:
    try:
        return path.relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)
