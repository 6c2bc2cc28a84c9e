"""Which labs there are: every module `lN_….py` of this package has one, as `LAB`."""

from __future__ import annotations

import functools
import importlib
import pkgutil
import re
from collections.abc import Mapping
from pathlib import Path

from wslab.errors import LabError
from wslab.labs.lab import Check, Lab
from wslab.language import Text
from wslab.predictions import catalogue as predictions
from wslab.progress import Progress, summary

_MODULE = re.compile(r"l\d+_\w+")
_NO_LAB = Text(
    en="There is no lab {name!r}. The labs: {labs}.", tr="{name!r} adlı bir çalışma yok. Çalışmalar: {labs}."
)
_NO_CHECK = Text(
    en="Lab {lab} has no check {name!r}. Its checks: {checks}.",
    tr="{lab} çalışmasında {name!r} adlı bir sınama yok. Sınamaları: {checks}.",
)
_ONE_CHECK = Text(
    en="Name one check, such as {example!r}. The checks of {lab}: {checks}.",
    tr="Tek bir sınama adı verin, örneğin {example!r}. {lab} çalışmasının sınamaları: {checks}.",
)


@functools.cache
def labs() -> Mapping[str, Lab]:
    """Every lab by its number: `{"L1": Lab(…)}`."""
    names = sorted(
        module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]) if _MODULE.fullmatch(module.name)
    )
    found: list[Lab] = [importlib.import_module(f"wslab.labs.{name}").LAB for name in names]
    return {lab.number: lab for lab in sorted(found, key=lambda lab: int(lab.number[1:]))}


def points() -> dict[str, Mapping[str, float]]:
    """What each graded check of each lab is worth, by lab and check."""
    return {number: lab.maxima for number, lab in labs().items()}


def progress() -> Progress:
    """How far the learner has come in every unit and every lab, and what comes next."""
    return summary.progress(predictions.names(), points())


def find(name: str) -> tuple[Lab, Check | None]:
    """The lab and the check of `"L1.echo"`; no check for `"L1"`.

    Raises:
        LabError: there is none of that name; the message lists those there are.
    """
    number, dot, rest = str(name).strip().partition(".")
    lab = labs().get(number.upper())
    if lab is None:
        raise LabError(_NO_LAB, name=name, labs=", ".join(labs()))
    check = lab.check(rest.lower())
    if dot and check is None:
        raise LabError(_NO_CHECK, lab=lab.number, name=rest, checks=_names(lab))
    return lab, check


def find_check(name: str) -> tuple[Lab, Check]:
    """The same, where one check is meant.

    Raises:
        LabError: there is none of that name, or a whole lab was named.
    """
    lab, check = find(name)
    if check is None:
        example = f"{lab.number}.{lab.checks[0].name}"
        raise LabError(_ONE_CHECK, example=example, lab=lab.number, checks=_names(lab))
    return lab, check


def _names(lab: Lab) -> str:
    return ", ".join(f"{lab.number}.{check.name}" for check in lab.checks)
