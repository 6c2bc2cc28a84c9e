"""Deliberately bad sources: each mistake is named with its file, its line and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.authoring.building.small_course import LAB, NOTEBOOK, Edit

from wslab.authoring.building import BuildError, Problem, build, units

TR = '+++ {"lang": "tr"}'


def problems(root: Path) -> list[Problem]:
    with pytest.raises(BuildError) as raised:
        build(root)
    return list(raised.value.problems)


def test_the_small_course_has_no_mistake(root: Path) -> None:
    assert [unit.slug for unit in units(root)] == ["00-setup", "01-server", "L1-echo"]


# Each row: the file, the passage, what takes its place, where the mistake is then, and what is said about it.
BAD = {
    "translation missing": (
        NOTEBOOK,
        f"{TR}\n\nBelge “paralel işlemler” der. Tek bir iş parçacığı (thread) aynı anda tek bir iş yapar: "
        "bunlar *eşzamanlıdır*.\n\n",
        "",
        '+++ {"lang": "en"}\n\nThe document speaks',
        'missing translation: write +++ {"lang": "tr"} right below this cell',
    ),
    "English missing": (
        NOTEBOOK,
        '+++ {"lang": "en"}\n\nThe document speaks of "paralel işlemler", parallel work. One thread does one thing at '
        "a time: these are *concurrent*.\n\n",
        "",
        f"{TR}\n\nBelge",
        'missing translation: no "en" cell comes before this "tr" one; '
        "the languages stand below each other in the order en, tr",
    ),
    "prose without a language": (
        NOTEBOOK,
        "server = serve(app)\nserver\n```\n",
        "server = serve(app)\nserver\n```\n\nWho is there?\n",
        "Who is there?",
        'this prose has no language; write +++ {"lang": "en"} above it',
    ),
    "unknown language": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        '+++ {"lang": "de"}\n\nBelge',
        None,
        'unknown language "de"; the editions are "en", "tr" (wslab.language.LANGUAGES)',
    ),
    "unknown language in the front matter": (
        NOTEBOOK,
        "    tr: server.py, adım adım\n",
        "    tr: server.py, adım adım\n    fr: serveur\n",
        "    fr: serveur",
        'unknown language "fr"; the editions are "en", "tr" (wslab.language.LANGUAGES)',
    ),
    "code with a language": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":lang: tr\n",
        "```{code-cell} ipython3\n:lang",
        "a code cell has no lang: it is the same in every edition",
    ),
    "metadata on a translation": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        '+++ {"lang": "tr", "tags": ["quiet"]}\n\nBelge',
        None,
        'tags is written once, on the "en" cell above',
    ),
    "a key that means nothing": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":di: endpoint\n",
        "```{code-cell} ipython3\n:di",
        'a code cell has no "di"; it takes id, jupyter, nbgrader, slideshow, tags',
    ),
    "metadata that is no JSON": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        "+++ {lang: tr}\n\nBelge",
        None,
        "the metadata of this cell cannot be read: "
        "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
    ),
    "tags that are no list": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":tags: quiet\n",
        "```{code-cell} ipython3\n:tags",
        "the metadata of this cell cannot be read: 'quiet' is not of type 'array'",
    ),
    "a slide type that reveal.js does not know": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":slideshow: {slide_type: page}\n",
        "```{code-cell} ipython3\n:slideshow",
        "slideshow is {slide_type: …} with one of slide, subslide, fragment, skip, notes, -",
    ),
    "an id that is no id": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":id: The End\n",
        "```{code-cell} ipython3\n:id",
        'the id "The End" is not lowercase words joined by "-"',
    ),
    "a fence left open": (
        NOTEBOOK,
        "    connected_clients.append(websocket)\n```\n",
        "    connected_clients.append(websocket)\n",
        '+++ {"lang": "en"}\n\nThe document speaks',
        None,  # everything below is swallowed, so there is more to say; the first mistake is the one that explains it
    ),
    "a command in one language": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        f"{TR}\n\n```console\nwslab doctor\n```\n\nBelge",
        f"{TR}\n\n```console",
        'the fenced blocks of "tr" and "en" differ; write the same commands and code in both '
        "(what needs a translation goes into a ```text fence)",
    ),
    "a directive": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        f"{TR}\n\n:::{{note}}\nBelge",
        ":::{note}",
        'JupyterLab shows MyST\'s ":::{note…" as it stands; use plain Markdown',
    ),
    "a role": (
        NOTEBOOK,
        "Tek bir iş parçacığı",
        "{term}`event loop` `{braces}` Tek bir iş parçacığı",
        None,
        'JupyterLab shows MyST\'s "{term}`…" as it stands; use plain Markdown',
    ),
    "a raw cell": (
        NOTEBOOK,
        f"{TR}\n\nBelge",
        "```{raw-cell}\n\nraw\n```\n\n" + f"{TR}\n\nBelge",
        "```{raw-cell}",
        None,  # it also parts the two languages
    ),
    "no setup cell": (
        NOTEBOOK,
        'use("en")\n\napp',
        "app",
        "```{code-cell} ipython3\nfrom fastapi",
        'no setup cell: the first code cell imports use and calls use("en"), which each edition replaces',
    ),
    "a setup cell that comes late": (
        NOTEBOOK,
        "server = serve(app)\n",
        'use("en")\nserver = serve(app)\n',
        'use("en")\nserver',
        None,
    ),
    "a setup cell of another edition": (
        NOTEBOOK,
        'use("en")',
        'use("tr")',
        None,
        'the setup cell calls use("en") once; the build writes each edition\'s own code there',
    ),
    "a code cell for the instructor": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":tags: [instructor]\n",
        "```{code-cell} ipython3\n:tags",
        "a note for the instructor is a Markdown cell; code is run by everybody",
    ),
    "the same code twice": (
        NOTEBOOK,
        "server = serve(app)\nserver\n```\n",
        "server = serve(app)\nserver\n```\n\n```{code-cell} ipython3\nserver = serve(app)\nserver\n```\n",
        None,
        None,
    ),
    "an id used twice": (
        NOTEBOOK,
        "```{code-cell} ipython3\nserver = serve(app)\n",
        "```{code-cell} ipython3\n:id: endpoint\n\nserver = serve(app)\n",
        None,
        None,
    ),
    "an id of a rendered cell": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":id: summary\n",
        "```{code-cell} ipython3\n:id",
        'duplicate id "summary": the cell rendered by the build has it already; give this one another',
    ),
    "no front matter": (
        NOTEBOOK,
        "---\nunit:\n  title:\n    en: server.py",
        "unit:\n  title:\n    en: server.py",
        "unit:",
        'missing front matter: begin the file with a line "---", then "unit:" and so on, then "---"',
    ),
    "front matter without unit": (
        NOTEBOOK,
        "unit:\n",
        "course:\n",
        "---\ncourse:",
        'missing front matter: the title, minutes and so on stand under one key, "unit:"',
    ),
    "no minutes": (NOTEBOOK, "  minutes: 5\n", "", "unit:", "missing front matter: minutes"),
    "minutes in words": (
        NOTEBOOK,
        "minutes: 5",
        "minutes: three quarters",
        None,
        "minutes is a whole number, 1 or more",
    ),
    "a part that the document does not have": (
        NOTEBOOK,
        "part: 1 §1",
        "part: 4",
        None,
        "part names a part of the document and its sections: 1 §4–6, or 2",
    ),
    "a title in one language": (
        NOTEBOOK,
        "    tr: server.py, adım adım\n",
        "",
        "  title:",
        'missing translation: title has no "tr"',
    ),
    "a key point in one language": (
        NOTEBOOK,
        "      - İşleyici nasıl biterse bitsin, listeyi `finally` temizler.\n",
        "",
        '    tr:\n      - "`accept()` çağrılmazsa',
        'missing translation: key_points has 2 items in "en" and 1 in "tr"',
    ),
    "an objective that YAML takes for a mapping": (
        NOTEBOOK,
        "      - build the document's server cell by cell\n",
        "      - build: the document's server\n",
        "    en:\n      - build:",
        'objectives in "en" is a list of sentences, each on a line that begins with "- " '
        '(one that holds ": " goes in quotes)',
    ),
    "a backtick that YAML does not take": (
        NOTEBOOK,
        '      - "`accept()` çağrılmazsa bağlantı kurulmaz."\n',
        "      - `accept()` çağrılmazsa bağlantı kurulmaz.\n",
        "      - `accept()`",
        "the front matter: this is not YAML: found character '`' that cannot start any token while scanning for the "
        "next token (quote a text that begins with a backtick or holds `: `, and every sentence inside {…})",
    ),
    "a key written twice": (
        NOTEBOOK,
        "  part: 1 §1\n",
        "  part: 1 §1\n  part: 2 §1\n",
        "  part: 2 §1",
        "unit.part is written twice; keep one",
    ),
    "a key of front matter that means nothing": (
        NOTEBOOK,
        "  minutes: 5\n",
        "  minutes: 5\n  hours: 1\n",
        "  hours: 1",
        'a unit has no "hours"; it takes title, minutes, part, prerequisites, objectives, key_points',
    ),
    "a prerequisite that is not there": (
        NOTEBOOK,
        "prerequisites: [00]",
        "prerequisites: [00, 09]",
        None,
        'prerequisite "09": the course has no such unit',
    ),
    "a prerequisite that comes later": (
        NOTEBOOK,
        "prerequisites: [00]",
        "prerequisites: [L1]",
        None,
        'prerequisite "L1" does not come before this unit',
    ),
    "a link that leads nowhere": (
        NOTEBOOK,
        "Onları çalıştıran döngüyle\n[00](00-setup.ipynb)",
        "Onları çalıştıran döngüyle\n[00](00-kurulum.ipynb)",
        "[00](00-kurulum.ipynb)",
        "the link 00-kurulum.ipynb leads nowhere: there is no notebooks/tr/00-kurulum.ipynb",
    ),
    "a discouraged word, with its ending": (
        NOTEBOOK,
        "Tek bir iş parçacığı (thread) aynı",
        "Korutinler sırayla çalışır.\nTek bir iş parçacığı (thread) aynı",
        "Belge “paralel işlemler” der. Korutinler",
        '"korutinler": for coroutine write "eşyordam" (course/glossary.yml)',
    ),
    "an English term behind another word": (
        NOTEBOOK,
        "bir *eşyordamdır (coroutine)*",
        "bir *yordamdır (coroutine)*",
        "İşleyici bir",
        '"(coroutine)" stands behind another word; write "eşyordam (coroutine)" (course/glossary.yml)',
    ),
    "a discouraged word in the front matter": (
        NOTEBOOK,
        "      - İşleyici nasıl biterse bitsin, listeyi `finally` temizler.\n",
        "      - Handler nasıl biterse bitsin, listeyi `finally` temizler.\n",
        "      - Handler",
        '"handler": for handler write "işleyici" (course/glossary.yml)',
    ),
    "a discouraged English phrase": (
        NOTEBOOK,
        "parallel work.",
        "parallel\ntasks.",
        'The document speaks of "paralel işlemler", parallel\ntasks',
        '"parallel tasks": for concurrent write "concurrent" (course/glossary.yml)',
    ),
    "a solution region in a notebook": (
        NOTEBOOK,
        "    connected_clients.append(websocket)\n",
        "    ### BEGIN SOLUTION\n    connected_clients.append(websocket)\n    ### END SOLUTION\n",
        "    ### BEGIN SOLUTION",
        'a solution region belongs in a lab, or in the cell of a turn: check("05.turn-1", …)',
    ),
    "a grade in a notebook": (
        NOTEBOOK,
        ":id: endpoint\n",
        ":nbgrader: {grade_id: endpoint, solution: true}\n",
        "```{code-cell} ipython3\n:nbgrader",
        "only a lab is graded; leave nbgrader out of a notebook",
    ),
    "a region that does not end": (
        LAB,
        '        await websocket.send_text(f"Mesajınız: {data}")\n    ### END SOLUTION\n',
        '        await websocket.send_text(f"Mesajınız: {data}")\n',
        "    ### BEGIN SOLUTION",
        'the solution region that begins here has no "### END SOLUTION"',
    ),
    "a region that does not begin": (
        LAB,
        "    ### BEGIN SOLUTION\n    await websocket.accept()\n    while True",
        "    await websocket.accept()\n    while True",
        "    ### END SOLUTION",
        '"### END SOLUTION" has no "### BEGIN SOLUTION" above it',
    ),
    "a region in a region": (
        LAB,
        "    while True:\n",
        "    ### BEGIN SOLUTION\n    while True:\n",
        "    ### BEGIN SOLUTION\n    while True",
        'a solution region begins inside another one; write "### END SOLUTION" before it',
    ),
    "a marker that nbgrader would take": (
        LAB,
        "    while True:\n",
        "    while True:  # BEGIN SOLUTION\n",
        "    while True:",
        'write the marker alone on its line: "### BEGIN SOLUTION" or "### END SOLUTION"',
    ),
    "a stub that is code": (
        LAB,
        "        # websocket.accept()\n",
        "        websocket.accept()\n",
        "        websocket.accept()\n        ### END",
        'below "### STUB" every line is a comment: the stub, with "# " before it',
    ),
    "a stub outside": (
        LAB,
        'greeting = "Merhaba"\n',
        'greeting = "Merhaba"\n### STUB\n',
        "### STUB\n```",
        '"### STUB" stands once in a solution region, between its code and "### END SOLUTION"',
    ),
    "a region in a cell that is no solution": (
        LAB,
        'await check("L1.echo", app)\n',
        '### BEGIN SOLUTION\nawait check("L1.echo", app)\n### END SOLUTION\n',
        "### BEGIN SOLUTION\nawait check",
        "a solution region stands in a cell with nbgrader: {grade_id: …, solution: true}",
    ),
    "a region that only the translation leaves open": (
        LAB,
        "İşleyici nasıl biterse bitsin `finally` çalışır.\n<!-- END SOLUTION -->\n",
        "İşleyici nasıl biterse bitsin `finally` çalışır.\n",
        "<!-- BEGIN SOLUTION -->\nİşleyici",
        'the solution region that begins here has no "<!-- END SOLUTION -->"',
    ),
    "a grade_id used twice": (LAB, "grade_id: check-mend", "grade_id: check-echo", None, None),
    "a check without points": (
        LAB,
        "{grade_id: check-echo, grade: true, points: 4}",
        "{grade_id: check-echo, grade: true}",
        "```{code-cell} ipython3\n:nbgrader: {grade_id: check-echo",
        "a graded cell has points, 0 or more",
    ),
    "points without a grade": (
        LAB,
        "{grade_id: echo, solution: true}",
        "{grade_id: echo, solution: true, points: 4}",
        "```{code-cell} ipython3\n:nbgrader: {grade_id: echo",
        "points belong to a cell with grade: true",
    ),
    "a cell without a role": (
        LAB,
        "{grade_id: stretch, solution: true}",
        "{grade_id: stretch}",
        "```{code-cell} ipython3\n:nbgrader: {grade_id: stretch",
        "say what this cell is: solution: true, grade: true with points, or locked: true",
    ),
    "a key nbgrader does not know": (
        LAB,
        "{grade_id: stretch, solution: true}",
        "{grade_id: stretch, solution: true, mark: 1}",
        "```{code-cell} ipython3\n:nbgrader: {grade_id: stretch",
        "nbgrader knows no mark; it takes grade, grade_id, locked, points, schema_version, solution, task",
    ),
    "a written answer without a grade": (
        LAB,
        '"grade": true, "solution": true, "points": 0',
        '"solution": true',
        '+++ {"lang": "en", "nbgrader": {"grade_id": "reflection"',
        "a written answer has both grade: true and solution: true",
    ),
}


@pytest.mark.parametrize("name", [name for name, row in BAD.items() if row[4] is not None])
def test_one_mistake_is_one_line(root: Path, edit: Edit, name: str) -> None:
    file, old, new, at, message = BAD[name]
    line = edit(file, old, new, at)
    assert problems(root) == [Problem(file, line, str(message))]


def test_a_fence_left_open_is_the_first_thing_said(root: Path, edit: Edit) -> None:
    file, old, new, at, _ = BAD["a fence left open"]
    line = edit(file, old, new, at)
    begun = (root / file).read_text("utf-8").split("\n").index(":id: endpoint")
    said = f"a new cell begins inside the code cell of line {begun}; close its fence"
    assert Problem(file, line, said) in problems(root)


def test_a_raw_cell(root: Path, edit: Edit) -> None:
    file, old, new, at, _ = BAD["a raw cell"]
    line = edit(file, old, new, at)
    said = "a raw cell has no place in a notebook of this course; use Markdown or code"
    assert Problem(file, line, said) in problems(root)


def test_a_late_setup_cell_is_told_once(root: Path, edit: Edit) -> None:
    file, old, new, at, _ = BAD["a setup cell that comes late"]
    line = edit(file, old, new, at)
    assert problems(root) == [Problem(file, line, 'use("en") stands in the first code cell, and only there')]


def test_duplicate_ids_name_both_places(root: Path, edit: Edit) -> None:
    file, old, new, _, _ = BAD["the same code twice"]
    first = edit(file, old, new, "```{code-cell} ipython3\nserver")
    said = f"duplicate id: this cell equals the one on line {first}; write :id: a-name-of-its-own in its metadata"
    assert problems(root) == [Problem(file, first + 5, said)]


def test_duplicate_ids_that_were_written(root: Path, edit: Edit) -> None:
    file, old, new, _, _ = BAD["an id used twice"]
    second = edit(file, old, new, new)
    first = (root / file).read_text("utf-8").split("\n").index(":id: endpoint")
    said = f'duplicate id "endpoint": the cell on line {first} has it already; give this one another'
    assert problems(root) == [Problem(file, second, said)]


def test_duplicate_grade_ids(root: Path, edit: Edit) -> None:
    file, old, new, _, _ = BAD["a grade_id used twice"]
    edit(file, old, new)
    text = (root / file).read_text("utf-8")
    lines = [number for number, line in enumerate(text.split("\n")) if "check-echo" in line]
    said = f'duplicate id "check-echo": the cell on line {lines[0]} has it already; give this one another'
    assert problems(root) == [Problem(file, lines[1], said)]


def test_every_mistake_is_told_at_once_and_nothing_is_written(root: Path, edit: Edit) -> None:
    for name in ("translation missing", "minutes in words", "a stub that is code", "a check without points"):
        file, old, new, at, _ = BAD[name]
        edit(file, old, new, at)
    found = problems(root)
    assert [(problem.file, problem.message) for problem in found] == [
        (LAB, BAD["a check without points"][4]),
        (LAB, BAD["a stub that is code"][4]),
        (NOTEBOOK, BAD["minutes in words"][4]),
        (NOTEBOOK, BAD["translation missing"][4]),
    ]
    assert not (root / "notebooks").exists()


def test_how_a_mistake_reads(root: Path, edit: Edit) -> None:
    line = edit(NOTEBOOK, "minutes: 5", "minutes: 0")
    with pytest.raises(BuildError) as raised:
        build(root)
    assert str(raised.value) == f"{NOTEBOOK}:{line}: minutes is a whole number, 1 or more"


@pytest.mark.parametrize(
    ("name", "kind", "example"),
    [
        ("course/notebooks/server.md", "notebook", "01-server.md"),
        ("course/notebooks/01-Server.md", "notebook", "01-server.md"),
        ("course/notebooks/notes.txt", "notebook", "01-server.md"),
        ("course/labs/1-echo.md", "lab", "L1-echo.md"),
    ],
)
def test_names_of_files(root: Path, name: str, kind: str, example: str) -> None:
    (root / name).write_text("", "utf-8")
    assert problems(root) == [Problem(name, 1, f"this is no source of a {kind}: its name is like {example}")]


def test_two_units_of_one_number(root: Path) -> None:
    (root / "course/notebooks/01-again.md").write_bytes((root / NOTEBOOK).read_bytes())
    assert problems(root) == [
        Problem(NOTEBOOK, 1, "duplicate number 01: course/notebooks/01-again.md has it already; rename one of the two")
    ]


def test_another_encoding(root: Path) -> None:
    (root / NOTEBOOK).write_bytes((root / NOTEBOOK).read_text("utf-8").encode("iso-8859-9", "replace"))
    assert Problem(NOTEBOOK, 1, "this file is not UTF-8; save it as UTF-8") in problems(root)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(root: Path) -> None:
    before = {unit.slug: unit for unit in units(root)}
    path = root / NOTEBOOK
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert {unit.slug: unit for unit in units(root)} == before


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("- coroutine", 'an entry must be a mapping of fields, not "coroutine"'),
        ("- {tr: evet}", '"en" is missing in an entry'),
        ("- {en: yes, tr: evet}", '"en" is a word or phrase, not "yes" (put it in quotes)'),
        ("- {en: loop, tr: 1}", '"tr" is a word or phrase, not "1" (put it in quotes)'),
        ("- {en: loop, avoyd: {tr: [x]}}", 'an entry has no field "avoyd"; did you mean "avoid"?'),
        ("- {en: loop, en: ring}", '"en" stands twice in an entry'),
        ("- {en: loop, tr: döngü, avoid: [loop]}", '"avoid" is a mapping of names, not a list'),
        ("- {en: loop, avoid: {de: [x]}}", 'there is no language "de"; known here: en, tr'),
        ("- {en: loop, avoid: {tr: x}}", '"tr" must be a list, not "x"'),
        ("- {en: loop, definition: {en: x}}", '"tr" is missing in "definition"'),
        ("- {en: loop, link: often}", '"link" is true or false'),
    ],
)
def test_a_bad_glossary(root: Path, entry: str, message: str) -> None:
    path = root / "course/glossary.yml"
    path.write_text(f"# terms\n- {{en: cell, tr: hücre}}\n{entry}\n", "utf-8")
    assert problems(root) == [Problem("course/glossary.yml", 3, message)]


def test_a_mistake_deep_in_an_entry_has_its_own_line(root: Path) -> None:
    (root / "course/glossary.yml").write_text(
        "- en: loop\n  tr: döngü\n  avoid:\n    tr:\n      - x\n      - 1\n", "utf-8"
    )
    (problem,) = problems(root)
    assert (problem.file, problem.line) == ("course/glossary.yml", 6)


def test_a_glossary_that_is_no_yaml(root: Path) -> None:
    (root / "course/glossary.yml").write_text("- {en: cell\n- tr: hücre\n", "utf-8")
    (problem,) = problems(root)
    assert (problem.file, problem.line) == ("course/glossary.yml", 2)
    assert problem.message.startswith("the glossary: this is not YAML: ")
