"""Whether the labs' modules and their texts name the same ids; read from the source, nothing is run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wslab.labs import lab_texts
from wslab.labs.lab_texts import BadTexts, Texts
from wslab.yaml import Problem, suggest

_PARTS = {"wrong": "misconceptions", "saw": "observations"}
"""The method of `Texts` that takes an id, and the part of the file that has it."""


@dataclass(frozen=True, slots=True)
class _Named:
    """An id in a module: which file of texts and which part it means, and where it stands."""

    texts: str
    part: str
    id: str
    module: Path
    line: int


def id_faults(modules: Path = lab_texts.FOLDER.parent, folder: Path = lab_texts.FOLDER) -> list[str]:
    """Every id that a module names and no file has, and every text that nothing names, with file and line.

    Args:
        modules: the folder of the modules that say `texts = read_texts("L1")`.
        folder: the folder of the texts.
    """
    named: list[_Named] = []
    faults: list[str] = []
    for path in sorted(modules.rglob("*.py")):
        for found in _named(path):
            if isinstance(found, Problem):
                faults.append(str(found))
            else:
                named.append(found)
    files: dict[str, Texts] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            files[path.stem] = lab_texts.read(path)
        except BadTexts as error:
            faults.append(str(error))
    general = files.get(lab_texts.GENERAL)
    shared = general.misconceptions.keys() if general is not None else set()
    return [
        *faults,
        *map(str, _unknown(named, files, folder)),
        *(str(problem) for name, texts in files.items() for problem in _unused(name, texts, named, shared)),
    ]


def _named(path: Path) -> Iterator[_Named | Problem]:
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    files: dict[str, str] = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(
                targets=[ast.Name(id=variable)],
                value=ast.Call(func=ast.Name(id="read_texts"), args=[ast.Constant(value=str(name))]),
            ):
                files[variable] = name
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(ast.Name(variable), method), args=[id, *_]) if method in _PARTS:
                part = _PARTS[method]
            case ast.Call(func=ast.Attribute(ast.Name("Check"), "of"), args=[ast.Name(variable), id, *_]):
                part = "checks"
            case _:
                continue
        if variable not in files:
            continue
        if isinstance(id, ast.Constant) and isinstance(id.value, str):
            yield _Named(files[variable], part, id.value, path, id.lineno)
        else:
            yield Problem(str(path), id.lineno, "an id is a literal string, so that it can be found")


def _unknown(named: Iterable[_Named], files: dict[str, Texts], folder: Path) -> Iterator[Problem]:
    for one in named:
        texts = files.get(one.texts)
        if texts is None:
            if not (folder / f"{one.texts}.yml").exists():
                yield Problem(str(one.module), one.line, f"there is no file {folder.name}/{one.texts}.yml")
            continue
        held = getattr(texts, one.part)
        if one.id not in held:
            says = f'{texts.path.name} has no "{one.id}" in "{one.part}"{suggest(one.id, held)}'
            yield Problem(str(one.module), one.line, says)


def _unused(name: str, texts: Texts, named: Iterable[_Named], shared: Iterable[str]) -> Iterator[Problem]:
    used = {(one.part, one.id) for one in named if one.texts == name}
    listed = {id for check in texts.checks.values() for id in check.wrong}
    path = str(texts.path)
    for (part, id), line in texts.lines.items():
        if (part, id) not in used:
            yield Problem(path, line, f'nothing names "{id}" of "{part}"')
        elif part == "misconceptions" and name != lab_texts.GENERAL and id not in listed:
            yield Problem(path, line, f'no check lists "{id}" under "wrong"')
    for check, written in texts.checks.items():
        for id in written.wrong:
            if id not in texts.misconceptions and id not in shared:
                line = texts.lines["checks", check]
                yield Problem(
                    path, line, f'{check}: there is no misconception "{id}"{suggest(id, texts.misconceptions)}'
                )
