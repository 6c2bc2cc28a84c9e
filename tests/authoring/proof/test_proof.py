"""prove() itself: what is wrong with a lab does not get past it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from wslab.authoring.proof import proof
from wslab.authoring.proof.corpus import BadHeader, corpus_folder, read
from wslab.authoring.proof.proof import Proof, prove, shape_faults
from wslab.labs import catalogue, document, l1_echo
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import Hint
from wslab.labs.notebooks import Cell
from wslab.labs.stage import Stage
from wslab.language import Text, current_language

ROOT = Path(__file__).parents[3]
ECHO = l1_echo.LAB.check("echo")
NO_PREFIX = document.texts.wrong("no-prefix")
assert ECHO is not None

RIGHT = '''"""Answers.

right
"""

from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"Mesajınız: {text}")
'''
WRONG = RIGHT.replace("\nright\n", "\nfails echo: no-prefix\n").replace("Mesajınız: ", "")

Corpus = Callable[..., Path]


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    """A folder of submissions for L1, reduced to its echo."""

    def made(**programs: str) -> Path:
        for name, source in {"right_a": RIGHT, "right_b": RIGHT, "wrong": WRONG, **programs}.items():
            path = tmp_path / "corpus" / "L1" / f"{name}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(source, encoding="utf-8")
        return tmp_path / "corpus"

    return made


@pytest.fixture
def only_echo(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make L1 a lab of one check, with changes; its notebooks are those of the course, and have more cells."""

    def reduced(**changes: object) -> None:
        lab = dataclasses.replace(l1_echo.LAB, checks=(dataclasses.replace(ECHO, needs="", **changes),))  # type: ignore[arg-type]
        monkeypatch.setattr(catalogue, "labs", lambda: {"L1": lab})
        monkeypatch.setattr(proof, "_notebook_faults", lambda lab, cells: [])
        # The notebooks of a lab are proven elsewhere; here it is the corpus.
        monkeypatch.setattr(proof.notebooks, "path_of", lambda *_: Path("nowhere"))
        monkeypatch.setattr(proof, "_missing_files", lambda *_: [])

    return reduced


def test_a_lab_in_order_is_proven(only_echo: Callable[..., None], corpus: Corpus) -> None:
    only_echo()
    before = current_language()
    found = prove(["L1"], rounds=4, root=ROOT, corpus=corpus())
    assert found.complaints == ()
    assert found.ok
    assert [(run.name, run.points) for run in found.labs[0].runs] == [("wrong", 0), ("right_a", 2), ("right_b", 2)]
    assert current_language() == before
    assert "| `wrong` Answers. | ✗ `no-prefix` | 0 of 2 |" in found.markdown()
    out = StringIO()
    Console(file=out, width=120).print(found)
    assert "no-prefix" in out.getvalue()
    assert "proven: 1 labs and units, 3 programs" in out.getvalue()


@pytest.mark.parametrize(
    ("programs", "complaint"),
    [
        ({"wrong": RIGHT.replace("\nright\n", "\nfails echo: no-prefix\n")}, "echo should fail at no-prefix: passed"),
        ({"wrong": WRONG.replace("no-prefix", "dotted-i")}, "echo should fail at dotted-i: failed no-prefix"),
        ({"wrong": WRONG.replace("no-prefix", "nonsense")}, "the check echo knows no 'nonsense'"),
        ({"wrong": WRONG.replace("fails echo", "fails reply")}, "'reply' is no check of this lab"),
        ({"right_b": WRONG.replace("\nfails echo: no-prefix\n", "\nright\n")}, "echo should pass: failed no-prefix"),
        ({"right_b": WRONG}, "1 right designs in corpus/L1; it takes 2"),
        ({"wrong": RIGHT}, "no submission fails echo, so nothing shows that it can fail"),
        ({"right_b": RIGHT.replace("right", "perfect")}, "“perfect” is none of: fails, waits, earns, right"),
        ({"right_b": RIGHT.replace("app = FastAPI()", "app = FastAPI(")}, "'(' was never closed"),
        ({"right_b": RIGHT.replace("app = FastAPI()", "app = FastAPI(); 1 / 0")}, "ZeroDivisionError"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, str) else "",
)
def test_a_corpus_that_lies_is_found_out(
    only_echo: Callable[..., None], corpus: Corpus, programs: dict[str, str], complaint: str
) -> None:
    only_echo()
    found = prove(["L1"], rounds=1, root=ROOT, corpus=corpus(**programs))
    assert not found.ok
    assert complaint in "\n".join(found.complaints)


async def _always(stage: Stage) -> Text:
    return Text(en="fine", tr="iyi")


async def _stumbles(stage: Stage) -> Text:
    raise KeyError("check")


HOLE = Text(en="only English")


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"run": _always}, "echo should fail at no-prefix: passed"),
        ({"run": _stumbles}, "echo stumbled: The check itself met something it was not made for (KeyError: 'check')"),
        ({"hints": ECHO.hints[:2]}, "echo: 2 hints; a lab's takes three"),
        ({"hints": (*ECHO.hints[:2], Hint(HOLE, "x"))}, "echo: hint 3 has no 'tr'"),
        ({"hints": (*ECHO.hints[:2], ECHO.hints[0])}, "echo: the last hint shows no skeleton"),
        ({"title": HOLE}, "echo: title has no 'tr'"),
        (
            {"wrong": (dataclasses.replace(NO_PREFIX, next=HOLE),)},
            "echo: no-prefix: next has no 'tr'",
        ),
        (
            {"wrong": (NO_PREFIX, dataclasses.replace(ECHO.wrong[0], id="no-prefix"))},
            "called 'no-prefix'",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_lab_that_lacks_something_is_found_out(
    only_echo: Callable[..., None], corpus: Corpus, changes: dict[str, object], complaint: str
) -> None:
    only_echo(**changes)
    found = prove(["L1"], rounds=1, root=ROOT, corpus=corpus())
    assert not found.ok
    assert complaint in "\n".join(found.complaints)


def graded(name: str, points: float = 2) -> Cell:
    return Cell(f'await check("{name}", app)', grade_id="it", points=points, graded=True)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        ([], "0 graded cells call check('L1.echo', …); it takes one"),
        ([graded("L1.echo"), graded("L1.echo")], "2 graded cells call check('L1.echo', …)"),
        ([graded("L1.echo", 3)], "the cell of L1.echo gives 3 points, the check 2"),
        ([graded("L1.echo"), graded("L1.ekko")], "check('L1.ekko', …), which is no check of this lab"),
        ([graded("L1.echo"), graded("L2.fin")], "check('L2.fin', …), which is no check of this lab"),
        ([graded("L1.echo"), Cell("1 + 1", grade_id="x", graded=True)], "the graded cell 'x' calls 0 checks"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_notebook_that_asks_for_other_checks_is_found_out(cells: list[Cell], complaint: str) -> None:
    lab = dataclasses.replace(l1_echo.LAB, checks=(ECHO,))
    assert complaint in "\n".join(proof._notebook_faults(lab, cells))
    assert list(proof._notebook_faults(lab, [graded("L1.echo")])) == []


def test_a_warm_up_has_a_cell_as_well() -> None:
    warmup = l1_echo.LAB.check("warmup")
    assert warmup is not None
    lab = dataclasses.replace(l1_echo.LAB, checks=(warmup,))
    assert list(proof._notebook_faults(lab, [])) == ["no cell calls check('L1.warmup', …)"]
    assert list(proof._notebook_faults(lab, [Cell('await check("L1.warmup", door)')])) == []


def test_a_lab_without_its_notebooks_is_found_out(tmp_path: Path) -> None:
    faults = shape_faults(l1_echo.LAB, tmp_path)
    assert "course/labs/L1-echo.md is missing" in faults
    assert "solutions/tr/L1-echo/L1-echo.ipynb is missing; run `wslab build L1`" in faults


def test_files_that_belong_to_nothing_are_found(tmp_path: Path) -> None:
    for name in ("L1/notes.txt", "L77/app.py", "stray.py"):
        (tmp_path / "corpus" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "corpus" / name).write_text("")
    (tmp_path / "course" / "labs").mkdir(parents=True)
    (tmp_path / "course" / "labs" / "L88-new.md").write_text("")
    found = "\n".join(proof._orphans(tmp_path, tmp_path / "corpus"))
    for name in ("corpus/L1/notes.txt", "corpus/L77/app.py", "corpus/stray.py", "L88-new.md"):
        assert name in found
    assert not list(proof._orphans(ROOT, corpus_folder(ROOT)))


def test_an_unknown_lab_is_a_fault() -> None:
    assert prove(["L99"], root=ROOT).complaints == ("there is no lab L99",)


def test_the_matrix_of_each_lab_is_written_between_the_markers(only_echo: Callable[..., None], corpus: Corpus) -> None:
    page = f"# Labs\n{proof.BEGIN}\n\n### L1-echo\n\nold\n\n### L2-cleanup\n\nkept\n{proof.END}\nmore\n"
    only_echo()
    written = prove(["L1"], rounds=1, root=ROOT, corpus=corpus()).written_into(page)
    assert written.startswith(f"# Labs\n{proof.BEGIN}\n\n### L1-echo\n\n| program | echo | points |")
    assert "old" not in written
    assert written.endswith(f" |\n\n### L2-cleanup\n\nkept\n\n{proof.END}\nmore\n")
    with pytest.raises(ValueError, match="has no"):
        Proof(()).written_into("# Labs\n")


def test_markdown_is_the_same_for_the_same_proof(only_echo: Callable[..., None], corpus: Corpus) -> None:
    only_echo()
    texts = {prove(["L1"], rounds=1, root=ROOT, corpus=corpus()).markdown() for _ in range(2)}
    assert len(texts) == 1
    assert not re.search(r"\d\.\d", texts.pop())


@pytest.mark.parametrize(
    "header",
    ["", '"""Answers."""', '"""Answers.\n\nright\nfails echo: no-prefix\n"""', '"""\n\nright\n"""', "x ="],
)
def test_a_header_has_to_say_what_becomes_of_it(tmp_path: Path, header: str) -> None:
    path = tmp_path / "one.py"
    path.write_text(header)
    with pytest.raises(BadHeader, match=r"one\.py"):
        read(path)


def test_a_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text('"""Does\nsomething.\n\nfails count: never-removes\nearns count: 1.5\nwaits: relay order\n"""\n')
    one = read(path)
    assert one.about == "Does something."
    assert (one.expected.fails, one.expected.earns) == ({"count": "never-removes"}, {"count": 1.5})
    assert one.expected.waits == {"relay", "order"}
    assert not one.expected.right


def test_proofs_are_empty_without_labs() -> None:
    assert Proof(()).ok
    assert Lab("L5-x", Text(en="x", tr="x"), ()).maxima == {}
    assert Check("a", HOLE, 1, _always, (), ()).app == "app"
