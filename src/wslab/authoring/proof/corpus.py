"""The submissions that prove a lab's checks: small programs, each saying on top what has to become of it.

    \"\"\"Relays to everybody in the list, the sender included.

    fails relay: relays-to-self
    \"\"\"

`fails <check>: <misconception>` for each check it must fail, `waits: <check> <check> …` for those that cannot be judged
because of it, `earns <check>: <points>` where a failed check earns a part; or the one word `right`.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wslab.cells import Run, note_makers
from wslab.course_folder import course_folder
from wslab.grading import task
from wslab.labs import notebooks
from wslab.labs.lab import Lab
from wslab.labs.notebooks import Cell
from wslab.language import LANGUAGES


def corpus_folder(root: Path | None = None) -> Path:
    """The folder with a folder of programs for each lab.

    Args:
        root: the course's folder; without it, the one around the working directory.
    """
    return (root or course_folder() or Path.cwd()) / "course" / "labs" / "corpus"


EQUIVALENT = "equivalent.yml"
"""In a lab's folder of the corpus: the mutants that keep every point, each with the reason why it may."""


MISTAKES = "mistakes.yml"
"""In a lab's folder of the corpus: typical mistakes as changes of the solution, and the first card of each."""


class BadHeader(ValueError):
    """The docstring of a submission does not say what has to become of it."""


@dataclass(frozen=True)
class Expected:
    """What has to become of a submission.

    Attributes:
        fails: the misconception of each check that it fails.
        waits: the checks that cannot be judged.
        earns: the points of failed checks that earn some.
    """

    fails: Mapping[str, str] = field(default_factory=dict)
    waits: frozenset[str] = frozenset()
    earns: Mapping[str, float] = field(default_factory=dict)

    @property
    def right(self) -> bool:
        """Whether it earns everything."""
        return not self.fails and not self.waits


@dataclass(frozen=True)
class Submission:
    """A program of a lab's corpus.

    Attributes:
        name: the file's name without its ending.
        about: what it does, in a sentence.
        source: the whole program; it makes `app`.
        expected: what has to become of it.
    """

    name: str
    about: str
    source: str
    expected: Expected


def submissions(lab: str, folder: Path | None = None) -> list[Submission]:
    """The corpus of a lab, right ones last.

    Args:
        lab: its number.
        folder: where the corpora are; without it, the course's own.

    Raises:
        BadHeader: a file does not say what has to become of it; the message names file and line.
    """
    found = [read(path) for path in sorted(((folder or corpus_folder()) / lab).glob("*.py"))]
    return sorted(found, key=lambda submission: (submission.expected.right, submission.name))


def read(path: Path) -> Submission:
    """One submission.

    Raises:
        BadHeader: it does not say what has to become of it.
    """
    source = path.read_text(encoding="utf-8")
    try:
        text = ast.get_docstring(ast.parse(source)) or ""
    except SyntaxError as error:
        raise BadHeader(f"{path.name}:{error.lineno}: {error.msg}") from None
    about, _, rules = text.partition("\n\n")
    fails: dict[str, str] = {}
    earns: dict[str, float] = {}
    waits: set[str] = set()
    right = False
    for rule in rules.splitlines():
        words, _, rest = rule.strip().partition(":")
        match words.split():
            case []:
                continue
            case ["right"] if not rest:
                right = True
            case ["fails", check] if rest.strip():
                fails[check] = rest.strip()
            case ["earns", check] if rest.strip().replace(".", "", 1).isdigit():
                earns[check] = float(rest)
            case ["waits"] if rest.strip():
                waits |= set(rest.split())
            case _:
                raise BadHeader(f"{path.name}: “{rule.strip()}” is none of: fails, waits, earns, right")
    if not about or right == bool(fails):
        raise BadHeader(f"{path.name}: the docstring says what it does and then either what it fails, or right")
    return Submission(path.stem, " ".join(about.split()), source, Expected(fails, frozenset(waits), earns))


def solved_cells(lab: Lab, root: Path) -> tuple[list[Cell], int]:
    """The cells of a lab's solution without those that ask for checks, and which of them makes the app.

    Args:
        lab: the lab.
        root: the course's folder, with `solutions/`.
    """
    solved = notebooks.code_cells(notebooks.path_of(root, lab, "solutions", LANGUAGES[0]))
    cells = [cell for cell in solved if not cell.checks]
    return cells, next(place for place, cell in enumerate(cells) if cell.solution and cell.assigns("app"))


def handed_in(cells: Sequence[Cell], at: int, source: str) -> tuple[task.Cell, ...]:
    """What is run where a learner has written `source` into the cell that makes the app.

    Args:
        cells: the cells of the solution.
        at: which of them makes the app.
        source: the program in its place.
    """
    sources = [source if place == at else cell.solved for place, cell in enumerate(cells)]
    return tuple(task.Cell(f"In[{number}]", text) for number, text in enumerate(sources, 1))


def program(source: str, name: str) -> dict[str, object]:
    """Run a program's text and return its names, as a notebook's cell would leave them.

    Args:
        source: the text.
        name: what places in it are called.
    """
    # The name is one of those that IPython gives to cells: the lines below are a reader's own code.
    names: dict[str, object] = {"__name__": "__main__"}
    exec(compile(source, f"<ipython-input {name}>", "exec", dont_inherit=True), names)
    note_makers(Run(1, source, None), names)
    return names
