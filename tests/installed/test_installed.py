"""The package as a learner gets it: built, installed into an empty environment outside the checkout, and used.

One environment is made by uv, for JupyterLab in a browser, and one by pip, for a run without. Both keep to the versions
of requirements.lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.jupyterlab import ROOT, SHOTS, Lab, Notebook, until_it_answers
from tests.ports import free_port

from wslab.labs import catalogue, notebooks

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = pytest.mark.installed
SCRIPTS = "Scripts" if os.name == "nt" else "bin"
UV = Path(sys.executable).parent / "uv"
LAB = Path("labs/en/L1-echo/L1-echo.ipynb")


@dataclass(frozen=True)
class Learner:
    """A machine of somebody's own: an environment that is not the tests', and a home."""

    environment: Path
    home: Path

    @property
    def python(self) -> Path:
        return self.environment / SCRIPTS / "python"

    def variables(self, **more: str) -> dict[str, str]:
        """Nothing of the checkout, and a network that leads nowhere but to this machine."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "WSLAB", "JUPYTER"))
        }
        nowhere = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
        return (
            kept | nowhere | {"NO_PROXY": "127.0.0.1,localhost", "HOME": str(self.home), "LANG": "en_US.UTF-8"} | more
        )


def build(checkout: Path, out: Path) -> Path:
    """Make the wheel of a checkout."""
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(out)]
    subprocess.run(hatchling, cwd=checkout, check=True, timeout=120)
    (wheel,) = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def newer_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next version, in which L1 has a new sentence: bumped and built as a maintainer does it."""
    release = runpy.run_path(str(ROOT / ".ci" / "release.py"))
    checkout: Path = release["copy_of"](ROOT, tmp_path_factory.mktemp("checkout"))
    source = checkout / "course" / "labs" / "L1-echo.md"
    text = source.read_text("utf-8")
    begin = text.index('+++ {"lang": "en"')
    first = text.index("\n", begin) + 1
    source.write_text(text[:first] + "\nA sentence of the next version.\n\n" + text[first:].lstrip("\n"), "utf-8")
    release["write_version"](checkout, "99.0")
    return build(checkout, tmp_path_factory.mktemp("newer wheel"))


@pytest.fixture(scope="module")
def learner(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Learner:
    found = Learner(tmp_path_factory.mktemp("uv ş") / "env", tmp_path_factory.mktemp("home"))
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, found.environment], check=True, timeout=60)
    install_by_uv(found, wheel)
    return found


def install_by_uv(learner: Learner, wheel: Path) -> None:
    constraints = ["--constraint", ROOT / "requirements.lock"]
    command = [UV, "pip", "install", "--quiet", "--python", learner.python, *constraints, wheel]
    subprocess.run(command, check=True, timeout=300)


@contextlib.contextmanager
def opened(learner: Learner, here: Path, *options: str) -> Iterator[tuple[Lab, Path]]:
    """`wslab lab` in a folder, until it answers; with the file that holds what it prints."""
    port = free_port()
    settings = learner.home / "jupyter"
    settings.mkdir(exist_ok=True)
    config: Mapping[str, object] = {
        "LabApp": {"expose_app_in_browser": True},
        "IdentityProvider": {"token": ""},
    }
    (settings / "jupyter_server_config.json").write_text(json.dumps(config), "utf-8")
    output = learner.home / f"lab-{port}.log"
    command = [learner.environment / SCRIPTS / "wslab", "lab", *options, "--no-browser", "--port", str(port)]
    variables = learner.variables(JUPYTER_CONFIG_DIR=str(settings))
    with output.open("w") as log:
        process = subprocess.Popen(command, cwd=here, env=variables, stdout=log, stderr=subprocess.STDOUT)
        try:
            url = f"http://127.0.0.1:{port}/"
            until_it_answers(f"{url}api/status", process, output, 120)  # type: ignore[arg-type]
            yield Lab(url, here / "websocket-lab"), output
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def solve(path: Path) -> bytes:
    """Write the solution into a lab's solution cells, as somebody who has finished it."""
    lab = catalogue.labs()["L1"]
    solved = {
        cell.grade_id: cell.solved
        for cell in notebooks.code_cells_of(notebooks.solved(ROOT, lab, "en"))
        if cell.solution
    }
    notebook = json.loads(path.read_bytes())
    for cell in notebook["cells"]:
        if (name := cell["metadata"].get("nbgrader", {}).get("grade_id")) in solved:
            cell["source"] = solved[name]
    path.write_text(json.dumps(notebook), "utf-8")
    return path.read_bytes()


@pytest.mark.browser
def test_from_an_empty_folder_to_a_renewed_course(
    learner: Learner, newer_wheel: Path, browser: Browser, tmp_path: Path
) -> None:
    here = tmp_path / "Masaüstü ş" / "an empty folder"
    here.mkdir(parents=True)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    with opened(learner, here) as (lab, output):
        assert "no course here yet" in output.read_text("utf-8")
        page.goto(lab.url)
        page.wait_for_selector('.lm-TabBar-tabLabel:text-is("00-setup.ipynb")')
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.close()

        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        page.set_default_timeout(60_000)
        unit = Notebook(page, lab, "notebooks/en/01-server.ipynb")
        unit.run_all()
        errors = [output for cell in unit.saved().cells for output in cell.get("outputs", ()) if "ename" in output]
        assert errors == []
        unit.close()

        mine = solve(lab.folder / LAB)
        graded = Notebook(page, lab, LAB.as_posix())
        graded.run_all()
        (last,) = (cell for cell in graded.saved().cells if 'check("L1", app)' in cell.source)
        assert last.outputs[-1]["data"]["text/plain"] == "10"
        graded.close()
        assert (lab.folder / LAB).read_bytes() == mine
        page.close()

    install_by_uv(learner, newer_wheel)
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    with opened(learner, here) as (lab, output):
        said = output.read_text("utf-8")
        assert "L1-echo (new).ipynb" in said
        assert "Renewed" in said
        assert (lab.folder / LAB).read_bytes() == mine
        beside = lab.folder / LAB.with_name("L1-echo (new).ipynb")
        assert "A sentence of the next version." in beside.read_text("utf-8")
        # The older notebook says in its first cell that it is older, and still runs.
        older = Notebook(page, lab, LAB.as_posix())
        older.run_all()
        first = next(cell for cell in older.saved().cells if cell.cell_type == "code")
        assert "99.0" in "".join(str(output.get("text", "")) for output in first.outputs)
        older.close()


@pytest.mark.browser
def test_turkish_from_the_first_screen(learner: Learner, browser: Browser, tmp_path: Path) -> None:
    page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    page.set_default_timeout(60_000)
    with opened(learner, tmp_path, "--language", "tr") as (lab, output):
        assert "websocket-lab klasörüne konuyor" in output.read_text("utf-8")
        page.goto(lab.url)
        page.wait_for_selector('.lm-TabBar-tabLabel:text-is("00-setup.ipynb")')
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        menus = page.locator(".lm-MenuBar-itemLabel").all_inner_texts()
        assert {"Dosya", "Düzenle", "Görünüm", "Çekirdek"} <= set(menus)
        page.click('.lm-MenuBar-itemLabel:text-is("Dosya")')
        page.wait_for_selector(".lm-Menu-item")
        SHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=str(SHOTS / "menus-tr.png"))
    assert not (learner.home / "jupyter" / "lab" / "user-settings").exists()


def test_by_pip_the_doctor_a_unit_and_a_lab(wheel: Path, tmp_path: Path) -> None:
    learner = Learner(tmp_path / "pip" / "env", tmp_path)
    subprocess.run([sys.executable, "-m", "venv", learner.environment], check=True, timeout=120)
    pip = [learner.python, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, "--constraint", ROOT / "requirements.lock", wheel], check=True, timeout=600)
    script = Path(__file__).with_name("try_course.py")
    here = tmp_path / "bir klasör"
    here.mkdir()
    run = subprocess.run(
        [learner.python, script, here / "course ş"],
        cwd=here,
        env=learner.variables(),
        check=False,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "site-packages" in run.stdout
    packages = subprocess.run(
        [learner.python, "-m", "pip", "list", "--format", "json"], check=True, capture_output=True, timeout=60
    )
    names = {entry["name"].lower() for entry in json.loads(packages.stdout)}
    assert not names & {"jupytext", "segno", "nbgrader", "pytest", "sphinx"}  # psutil is IPython's
