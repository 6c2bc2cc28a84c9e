"""`wslab lab`: a course in a folder, and JupyterLab opened on unit 00 of it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path

from wslab import shipped
from wslab.course_folder import course_folder
from wslab.course_update import UpdateError, read_manifest, update
from wslab.errors import LabError
from wslab.language import LANGUAGES, Text

FOLDER = "websocket-lab"
"""Where the course goes if nothing else is said, in the working directory."""
BOTH = "both"
"""What `--language` says for both editions."""
_SETTINGS = Path(__file__).parent / "labconfig"
"""For each language a folder of JupyterLab's defaults that hold for one run: its menus in that language."""

_NO_EDITION = Text(
    en="{language!r} is no edition of this course; write {known}.",
    tr="{language!r} bu kursun bir baskısı değil. Şunlardan birini yazın: {known}.",
)
_GOES_TO = Text(
    en="There is no course here yet; it goes to {folder}.", tr="Burada henüz kurs yok, {folder} klasörüne konuyor."
)


def prepare(folder: Path | None, wanted: str | None, reader: str, say: Callable[[str], None]) -> tuple[Path, str]:
    """Have a course in a folder: laid out if there is none, renewed if an earlier kit laid it out.

    A checkout, and a course that somebody else laid out, stay as they are. What can't be renewed opens all the same.

    Args:
        folder: where; without it, the course around the working directory, else `./websocket-lab`.
        wanted: the edition that was asked for, `"both"`, or None for what is there, or else the reader's.
        reader: the reader's language.
        say: is given each sentence on what is done.

    Returns:
        The course's folder, and the edition to open.

    Raises:
        LabError: there is no such edition; there is no course, and none can be laid out.
    """
    if wanted not in (None, BOTH, *LANGUAGES):
        raise LabError(_NO_EDITION, language=wanted, known=", ".join((*LANGUAGES, BOTH)))
    root = _place(folder)
    manifest = read_manifest(root)
    there = [language for language in LANGUAGES if (root / "notebooks" / language).is_dir()]
    if manifest is None and course_folder(root) != root:
        say(_GOES_TO.format(folder=root))
        _renew(root, _editions(wanted, there, reader), say)
    elif manifest is not None and manifest.source == "wslab":
        try:
            _renew(root, _editions(wanted, there, reader), say)
        except UpdateError as error:
            if not there:
                raise
            say(str(error))
    opened = wanted if wanted in LANGUAGES else reader
    if first_notebook(root, opened) is None:
        opened = next((language for language in LANGUAGES if first_notebook(root, language)), opened)
    return root, opened


def _place(folder: Path | None) -> Path:
    """Where the course is, or is to be."""
    here = folder or Path()
    if here.is_dir() and (found := course_folder(here)):
        return found
    return (folder or Path(FOLDER)).resolve()


def _editions(wanted: str | None, there: list[str], reader: str) -> list[str]:
    """The editions that a course is to have: an edition that is there stays."""
    asked = LANGUAGES if wanted == BOTH else (wanted or (there or [reader])[0],)
    return [language for language in LANGUAGES if language in asked or language in there]


def _renew(root: Path, editions: list[str], say: Callable[[str], None]) -> None:
    for sentence in update(root, shipped.files(editions), shipped.version()).told():
        say(sentence)


def first_notebook(root: Path, language: str) -> str | None:
    """Unit 00 of an edition, as a path from the course's folder; None where it isn't there."""
    start = next(iter(sorted((root / "notebooks" / language).glob("00-*.ipynb"))), None)
    return start.relative_to(root).as_posix() if start else None


def command(root: Path, language: str, *, browser: bool, port: int | None) -> list[str]:
    """The command line that opens the course in JupyterLab.

    Args:
        root: the course's folder.
        language: the edition.
        browser: whether JupyterLab opens a browser window.
        port: JupyterLab's own; None for the first free one.
    """
    said = [sys.executable, "-m", "wslab.jupyterlab", f"--ServerApp.root_dir={root}"]
    if opened := first_notebook(root, language):
        said.append(f"--LabApp.default_url=/lab/tree/{opened}")
    # Nothing is asked of the network: no news, no look for updates.
    said += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if not browser:
        said.append("--no-browser")
    if port is not None:
        said.append(f"--ServerApp.port={port}")
    if is_root():
        said.append("--allow-root")
    return said


def is_root() -> bool:
    """Whether this process runs as root, as it often does in a container; JupyterLab then wants to be told so."""
    return hasattr(os, "geteuid") and os.geteuid() == 0


def environment(language: str) -> dict[str, str]:
    """The environment that JupyterLab runs in.

    Args:
        language: the edition, which the course's commands in a terminal of JupyterLab speak too.
    """
    # In a terminal of JupyterLab, `python` and `wslab` are those of the course, though no environment is active. They
    # lie in two folders where Python was installed for Windows and no environment was made.
    own = dict.fromkeys((str(Path(sys.executable).parent), sysconfig.get_path("scripts")))
    changed = {"WSLAB_LANG": language, "PATH": os.pathsep.join([*own, os.environ.get("PATH", os.defpath)])}
    # A kernel "python3" that the user has registered for another environment has no wslab: this one's goes first.
    changed["JUPYTER_PREFER_ENV_PATH"] = os.environ.get("JUPYTER_PREFER_ENV_PATH", "1")
    if (settings := _SETTINGS / language).is_dir():
        # Read as defaults, so that what somebody chose in JupyterLab's own settings still holds.
        others = os.environ.get("JUPYTER_CONFIG_PATH")
        changed["JUPYTER_CONFIG_PATH"] = os.pathsep.join([str(settings), *([others] if others else [])])
    given = os.environ | changed
    # IPython takes the packages of the environment that this variable names before its own.
    given.pop("VIRTUAL_ENV", None)
    if sys.prefix != sys.base_prefix:
        given["VIRTUAL_ENV"] = sys.prefix
    return given


def run(said: list[str], language: str) -> int:
    """Run JupyterLab until it ends; return its exit status.

    Ctrl+C reaches JupyterLab, too, which asks whether it is meant: it is JupyterLab that ends, and nobody kills it. The
    signal to end (SIGTERM) reaches this process alone and is handed on.

    Args:
        said: from `command()`.
        language: the edition.
    """
    with subprocess.Popen(said, env=environment(language)) as jupyterlab:
        signal.signal(signal.SIGTERM, lambda *_: jupyterlab.terminate())
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                return jupyterlab.wait()
