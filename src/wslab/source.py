"""Whose code is it, and what does a reader call that place: `In[2] line 25`, `server.py:15`."""

from __future__ import annotations

import functools
import re
import site
import sys
import sysconfig
from pathlib import Path
from typing import Any

_KIT = str(Path(__file__).parent)
# The document's systems live inside the kit, but to a reader they are the program under study.
_SEED = str(Path(__file__).parent / "seed")


def _library_folders() -> tuple[str, ...]:
    folders = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages())
    folders.add(site.getusersitepackages())
    return tuple(str(Path(folder)) for folder in folders if folder)


_LIBRARIES = _library_folders()


def _inside(filename: str, folder: str) -> bool:
    return filename == folder or filename.startswith((folder + "/", folder + "\\"))


@functools.lru_cache(maxsize=4096)
def is_user_code(filename: str) -> bool:
    """Whether `filename` (a code object's `co_filename`) was written by the person at the keyboard.

    A notebook cell, a script and the document's own systems are; the standard library, installed
    packages, frozen modules and this kit (also when it is installed editable) are not.
    """
    if _inside(filename, _SEED):
        return True
    if filename.startswith("<"):
        # "<frozen importlib>" and "<string>" have no lines to show; a cell run by exec does: "<ipython-input-…>".
        return filename.startswith("<ipython-input")
    return not _inside(filename, _KIT) and not any(_inside(filename, folder) for folder in _LIBRARIES)


@functools.lru_cache(maxsize=4096)
def is_kit_code(filename: str) -> bool:
    """Whether `filename` (a code object's `co_filename`) belongs to this kit's own machinery."""
    return _inside(filename, _KIT) and not is_user_code(filename)


def ipython_shell() -> Any:
    """The IPython shell that runs the reader's code, None outside of one; IPython is not imported for it."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython is not None else None


def cell_label(filename: str) -> str | None:
    """`In[2]` for the code of a notebook cell, None for the code of a file."""
    shell = ipython_shell()
    if shell is None:
        return None
    named = shell.compile.format_code_name(filename)  # ("Cell", "In[2]")
    return str(named[1]) if named else None


def place(filename: str, line: int) -> str:
    """What a reader calls this line: `In[2] line 25` in a notebook, `server.py:15` in a file."""
    cell = cell_label(filename)
    return f"{cell} line {line}" if cell else f"{Path(filename).name}:{line}"


_PLACE = re.compile(r"<ipython-input ([^>\n]{1,40})>(?::(\d+))?")


def named(text: str) -> str:
    """The same with the file names of compiled cells as their reader calls them: `In[2] line 25`."""
    return _PLACE.sub(lambda found: f"{found[1]} line {found[2]}" if found[2] else found[1], text)
