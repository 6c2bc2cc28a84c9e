"""Which labs there are: every module `lN_….py` of this package has one, as `LAB`; and the turns of each unit."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import ModuleType

from wslab import own_course
from wslab.errors import LabError
from wslab.labs import turns as turns_of_units
from wslab.labs.lab import Check, Lab
from wslab.language import Text
from wslab.predictions import catalogue as predictions
from wslab.progress import Progress, summary

_MODULE = re.compile(r"l\d+_\w+")
_TURNS = re.compile(r"u\d\d_\w+")
_NUMBER = re.compile(r"L\d+")
_BROKEN_LAB = Text(
    en="The lab in {path} can't be used: {error}", tr="{path} içindeki alıştırma kullanılamıyor: {error}"
)
_NUMBER_TAKEN = Text(
    en="{path}: there is a lab {number} already. Give yours another number, such as L70.",
    tr="{path}: {number} numaralı bir alıştırma zaten var. Sizinkine başka bir numara verin, L70 gibi.",
)
_NO_LAB = Text(
    en="There is no lab {name!r}. A check is named with its lab, such as 'L1.echo'. The labs: {labs}.",
    tr="{name!r} adlı bir alıştırma yok. Sınamanın adı alıştırmasıyla birlikte yazılır, örneğin 'L1.echo'. "
    "Alıştırmalar: {labs}.",
)
_NO_CHECK = Text(
    en="Lab {lab} has no check {name!r}. Its checks: {checks}.",
    tr="{lab} alıştırmasında {name!r} adlı bir sınama yok. Sınamaları: {checks}.",
)
_ONE_CHECK = Text(
    en="Name one check, such as {example!r}. The checks of {lab}: {checks}.",
    tr="Tek bir sınama adı verin, örneğin {example!r}. {lab} alıştırmasının sınamaları: {checks}.",
)
_NO_TURN = Text(
    en='Unit {lab} has no "your turn" {name!r}. It has: {checks}.',
    tr='{lab}. birimde {name!r} adlı bir "sıra sizde" yok. Olanlar: {checks}.',
)
_ONE_TURN = Text(
    en='Name one "your turn", such as {example!r}. Those of unit {lab}: {checks}.',
    tr='Tek bir "sıra sizde" adı verin, örneğin {example!r}. {lab}. birimdekiler: {checks}.',
)


def labs() -> Mapping[str, Lab]:
    """Every lab by its number: `{"L1": Lab(…)}`; an instructor's own behind the course's.

    Raises:
        LabError: a module of the instructor's can't be used; the message names it and says why.
    """
    return _labs(tuple(path for path in own_course.files("checks/l*.py") if _MODULE.fullmatch(path.stem)))


@functools.cache
def _labs(own: tuple[Path, ...]) -> Mapping[str, Lab]:
    found: list[Lab] = [module.LAB for module in _modules("wslab.labs", [str(Path(__file__).parent)], _MODULE)]
    known = {lab.number: lab for lab in sorted(found, key=lambda lab: int(lab.number[1:]))}
    for path in own:
        lab = _own_lab(path)
        if lab.number in known:
            raise LabError(_NUMBER_TAKEN, path=path, number=lab.number)
        known[lab.number] = lab
    return known


def _own_lab(path: Path) -> Lab:
    spec = importlib.util.spec_from_file_location(f"wslab_own_labs.{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        lab = module.LAB
        if not isinstance(lab, Lab) or not _NUMBER.fullmatch(lab.number):
            raise TypeError("LAB is no Lab with a slug such as L7-mine")
    except Exception as error:  # whatever an instructor's module does while it is loaded
        raise LabError(_BROKEN_LAB, path=path, error=f"{type(error).__name__}: {error}") from error
    return lab


@functools.cache
def turns() -> Mapping[str, Lab]:
    """The turns of every unit that has some, by its number: `{"05": Lab(…)}`."""
    found: list[Lab] = [module.TURNS for module in _modules(turns_of_units.__name__, turns_of_units.__path__, _TURNS)]
    return {unit.number: unit for unit in found}


def _modules(package: str, path: Iterable[str], named: re.Pattern[str]) -> list[ModuleType]:
    names = sorted(module.name for module in pkgutil.iter_modules(path) if named.fullmatch(module.name))
    return [importlib.import_module(f"{package}.{name}") for name in names]


def points() -> dict[str, Mapping[str, float]]:
    """What each graded check of each lab is worth, by lab and check."""
    return {number: lab.maxima for number, lab in labs().items()}


def progress() -> Progress:
    """How far the learner has come in every unit and every lab, and what comes next."""
    names = {number: [check.name for check in unit.checks] for number, unit in turns().items()}
    return summary.progress(predictions.names(), points(), names)


def find(name: str) -> tuple[Lab, Check | None]:
    """The lab and the check of `"L1.echo"` or `"05.turn-2"`; no check for `"L1"`.

    Raises:
        LabError: there is none of that name; the message lists those there are.
    """
    number, dot, rest = str(name).strip().partition(".")
    lab = labs().get(number.upper()) or turns().get(number)
    if lab is None:
        raise LabError(_NO_LAB, name=name, labs=", ".join(labs()))
    check = lab.check(rest.lower())
    if dot and check is None:
        raise LabError(_NO_CHECK if not lab.turns else _NO_TURN, lab=lab.number, name=rest, checks=_names(lab))
    if check is None and lab.turns:
        raise _one_check(lab)
    return lab, check


def find_check(name: str) -> tuple[Lab, Check]:
    """The same, where one check is meant.

    Raises:
        LabError: there is none of that name, or a whole lab was named.
    """
    lab, check = find(name)
    if check is None:
        raise _one_check(lab)
    return lab, check


def _one_check(lab: Lab) -> LabError:
    example = f"{lab.number}.{lab.checks[0].name}"
    return LabError(_ONE_CHECK if not lab.turns else _ONE_TURN, example=example, lab=lab.number, checks=_names(lab))


def _names(lab: Lab) -> str:
    return ", ".join(f"{lab.number}.{check.name}" for check in lab.checks)
