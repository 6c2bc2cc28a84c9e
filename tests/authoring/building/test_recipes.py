"""The recipes in `docs/`, walked step by step in a copy."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from tests.kernels import client

from wslab.authoring.building import BuildError, adopt, build, check, units
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"


def example(page: str) -> str:
    """The whole example of a page: the first, where parts of others follow."""
    found, *_ = re.findall(r"^````markdown\n(.*?)^````$", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return found


def test_adding_a_notebook(root: Path) -> None:
    # 1. Write the source: the page's own example, as the third notebook of the small course.
    path = root / "course/notebooks/02-again.md"
    path.write_text(example("adding-a-notebook.md"), "utf-8")
    # 2. Build it alone, then everything.
    assert len(build(root, ["02"])) == len(LANGUAGES)
    build(root)
    # 3. Open every edition.
    for language in LANGUAGES:
        notebook = nbformat.read(root / f"notebooks/{language}/02-again.ipynb", as_version=4)
        nbformat.validate(notebook)
        assert f'use("{language}")' in notebook.cells[1].source
    client(notebook).execute()
    # What CI runs.
    check(root)
    assert [unit.slug for unit in units(root)][-1] == "02-again"
    # "Editing in JupyterLab".
    built = root / "notebooks/tr/02-again.ipynb"
    notebook = nbformat.read(built, as_version=4)
    notebook.cells[2].source += "\n\nBir cümle daha."
    nbformat.write(notebook, built)
    adopt(built, root)
    build(root, ["02"])
    assert "Bir cümle daha." in path.read_text("utf-8")
    check(root)


def test_adding_a_lab(root: Path) -> None:
    (root / "course/labs/L2-again.md").write_text(example("adding-a-lab.md").replace("[03]", "[01]"), "utf-8")
    assert len(build(root, ["L2"])) == 2 * len(LANGUAGES)
    build(root)
    check(root)
    lab = nbformat.read(root / "labs/en/L2-again/L2-again.ipynb", as_version=4)
    source = {cell.id: cell.source for cell in lab.cells}
    assert source["echo"].endswith("(websocket: WebSocket):\n    ...")
    assert "    websocket.accept()\n" in source["mend"]
    assert source["reflection"].endswith("...")
    assert units(root)[-1].points == 4


@pytest.mark.slow
def test_a_new_lab_is_proved(tmp_path: Path) -> None:
    """The page's own lab in a copy of the checkout: built, its checks proved on stub, solution and corpus."""
    copy = tmp_path / "checkout"
    for folder in ("course", "src", "docs"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", copy)
    page = (DOCS / "adding-a-lab.md").read_text("utf-8")
    (copy / "course/labs/L77-again.md").write_text(example("adding-a-lab.md"), "utf-8")
    named = re.findall(r"`((?:src|course)/[^`*]*)`:\n\n```\w+\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(named) == 3
    for name, text in named:
        (copy / name).parent.mkdir(exist_ok=True)
        (copy / name).write_text(text, "utf-8")
    # Two right programs: the wrong one mended, in two ways.
    corpus = copy / "course/labs/corpus/L77"
    wrong = named[-1][1].replace("fails echo: no-prefix", "right")
    (corpus / "iterates.py").write_text(wrong.replace("send_text(data)", 'send_text(f"Mesajınız: {data}")'), "utf-8")
    (corpus / "joins.py").write_text(wrong.replace("send_text(data)", 'send_text("Mesajınız: " + data)'), "utf-8")

    def wslab(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", "from wslab.cli import app; app()", "--in", "en", *words],
            env=os.environ | {"PYTHONPATH": str(copy / "src"), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            cwd=copy,
        )

    written = ["--write", "docs/labs.md"]
    for words in (
        ["build"],
        ["build", "--check"],
        ["check", "L77", "--rounds", "1", *written],
    ):
        done = wslab(*words)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "### L77-again" in (copy / "docs/labs.md").read_text("utf-8")
    # Without a program that fails it, a check is not proved.
    (corpus / "no_prefix.py").unlink()
    assert wslab("check", "L77", "--rounds", "1").returncode == 1


@pytest.mark.parametrize("page", ["adding-a-notebook.md", "adding-a-lab.md"])
def test_the_pages_examples_are_in_order(page: str, root: Path) -> None:
    """A mistake put into the example is found on its line: it is the example, not the test, that is right."""
    name = "course/notebooks/02-again.md" if "notebook" in page else "course/labs/L2-again.md"
    text = example(page).replace("[03]", "[01]")
    broken = text.replace('+++ {"lang": "tr"}', '+++ {"lang": "xx"}', 1)
    (root / name).write_text(broken, "utf-8")
    with pytest.raises(BuildError) as raised:
        build(root)
    (problem,) = raised.value.problems
    assert (problem.file, problem.line) == (name, broken.split("\n").index('+++ {"lang": "xx"}') + 1)


TRANSLATIONS = {
    "title": "Deutsch",
    "objectives": "etwas tun",
    "key_points": "Ein Satz.",
}


def translated(source: str) -> str:
    """A source with German beside every Turkish text: step 4 of the recipe, done by a machine."""
    _, front, body = source.split("---\n", 2)
    lines: list[str] = []
    key = ""
    for line in front.split("\n"):
        if found := re.match(r"  (\w+):$", line):
            key = found[1]
        if line == "    tr:":
            count = len(re.findall(r"^      - ", front.split(f"  {key}:\n")[1].split("    tr:\n")[0], re.MULTILINE))
            lines += ["    de:", *[f"      - {TRANSLATIONS[key]}"] * count]
        elif line.startswith("    tr: "):
            lines.append(f"    de: {TRANSLATIONS[key]}")
        lines.append(line)
    number = 0

    def german(match: re.Match[str]) -> str:
        nonlocal number
        number += 1
        region = "<!-- BEGIN SOLUTION -->\nDarum.\n<!-- END SOLUTION -->\n\n" if "BEGIN SOLUTION" in match[0] else ""
        return f'{match[0].rstrip()}\n\n+++ {{"lang": "de"}}\n\nAbsatz {number}.\n\n{region}'

    body = re.sub(
        r'^\+\+\+ \{"lang": "tr"\}\n.*?(?=^\+\+\+|^```\{code-cell|\Z)', german, body, flags=re.DOTALL | re.MULTILINE
    )
    return f"---\n{chr(10).join(lines)}---\n{body}"


@pytest.mark.slow
def test_adding_a_language(root: Path, tmp_path: Path) -> None:
    """A kit with German in it builds a German edition, once every German cell is there."""
    kit = tmp_path / "kit"
    shutil.copytree(ROOT / "src/wslab", kit / "wslab", ignore=shutil.ignore_patterns("__pycache__"))

    def run(code: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, str(root)],
            env=os.environ | {"PYTHONPATH": str(kit), "PYTHONUTF8": "1"},
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            cwd=tmp_path,
        )

    build_it = (
        "import sys; from wslab.authoring.building import *\n"
        "try: build(sys.argv[1])\nexcept BuildError as e: sys.exit(str(e))"
    )

    # 1. Its code.
    language = kit / "wslab/language.py"
    text = language.read_text("utf-8")
    assert text.count('("en", "tr")') == 1
    language.write_text(text.replace('("en", "tr")', '("en", "tr", "de")'), "utf-8")
    # Until the cells are written, every place that is missing is named.
    missing = run(build_it)
    assert missing.returncode == 1
    lines = (root / "course/notebooks/01-server.md").read_text("utf-8").split("\n")
    heading = lines.index("## The endpoint") - 1
    said = 'missing translation: write +++ {"lang": "de"} right below this cell'
    assert f"course/notebooks/01-server.md:{heading}: {said}" in missing.stderr.split("\n")
    assert 'course/notebooks/01-server.md:3: missing translation: title has no "de"' in missing.stderr.split("\n")
    # 2. Its words around a unit.
    notebooks = kit / "wslab/authoring/building/notebooks.py"
    words = notebooks.read_text("utf-8").replace('"tr": "Türkçe"}', '"tr": "Türkçe", "de": "Deutsch"}')
    words = words.replace('tr="{minutes} dakika")', 'tr="{minutes} dakika", de="{minutes} Minuten")')
    notebooks.write_text(words, "utf-8")
    # 3. Its terms.
    glossary = root / "course/glossary.yml"
    with glossary.open("a", encoding="utf-8") as file:
        file.write("\n- {en: German, de: Deutsch, avoid: {de: [Teutsch]}}\n")
    # 4. Its cells.
    for source in root.glob("course/*/*.md"):
        source.write_text(translated(source.read_text("utf-8")), "utf-8", newline="\n")
    # 6. Build.
    done = run(build_it)
    assert (done.returncode, done.stderr) == (0, "")
    german = json.loads((root / "notebooks/de/01-server.ipynb").read_text("utf-8"))
    turkish = json.loads((root / "notebooks/tr/01-server.ipynb").read_text("utf-8"))
    title = "".join(german["cells"][0]["source"])
    assert title.startswith("# 01 · Deutsch\n\n5 Minuten | part 1 of [the document](../../docs/document.en.md), §1")
    assert "[Türkçe](../tr/01-server.ipynb)" in title
    assert "[Deutsch](../de/01-server.ipynb)" in "".join(turkish["cells"][0]["source"])
    assert [cell["id"] for cell in german["cells"]] == [cell["id"] for cell in turkish["cells"]]
    assert any('use("de")' in "".join(cell["source"]) for cell in german["cells"])
    assert (root / "labs/de/L1-echo/L1-echo.ipynb").is_file()
    assert (root / "solutions/de/L1-echo/L1-echo.ipynb").is_file()
    checked = run("import sys; from wslab.authoring.building import *; check(sys.argv[1])")
    assert (checked.returncode, checked.stderr) == (0, "")
    # Its terms are held to.
    source = root / "course/notebooks/01-server.md"
    source.write_text(source.read_text("utf-8").replace("Absatz 1.", "Teutsch."), "utf-8")
    wrong = run(build_it)
    assert '"teutsch": for German write "Deutsch"' in wrong.stderr
