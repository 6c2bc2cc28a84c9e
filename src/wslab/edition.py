"""use(): the one line by which a notebook says which edition it belongs to."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from wslab import shipped
from wslab.cells import watch_cells
from wslab.course_update import is_newer
from wslab.errors import LabError
from wslab.jupyter import notebook_file
from wslab.language import Text, filled, use_language
from wslab.notebooks import Origin
from wslab.serving.heartbeat import keep_interruptible

_NEWER = Text(
    en="This notebook is of wslab {theirs}, and this is wslab {ours}, which may lack something that it needs. "
    "Update it: pip install --upgrade wslab (or uvx wslab@latest lab)",
    tr="Bu not defteri wslab {theirs} sürümünün, kurulu olan ise wslab {ours}: gereken bir şey eksik olabilir. "
    "Güncelleyin: pip install --upgrade wslab (ya da uvx wslab@latest lab)",
)
_OLDER = Text(
    en="This notebook is of wslab {theirs}, and this is wslab {ours}, which has another version of it: `wslab lab` in "
    "the course's folder brings it, and loses nothing that you wrote.",
    tr="Bu not defteri wslab {theirs} sürümünün, kurulu olan ise wslab {ours} ve bu defterin başka bir sürümü var. "
    "Kurs klasöründe `wslab lab` onu getirir, yazdıklarınız silinmez.",
)


def use(language: str) -> None:
    """Make this notebook speak `language` ("en" or "tr"), let ■ stop a cell that awaits, and note which cells run.

    A notebook that is newer or older than this kit says so in one line.

    Raises:
        ValueError: there is no such edition.
    """
    use_language(language)
    keep_interruptible()
    watch_cells()
    if (path := notebook_file()) is not None and (said := out_of_step(path)) is not None:
        print(said)


def out_of_step(notebook: Path) -> Text | None:
    """What to say where a notebook's lesson is not the one that this kit has.

    Args:
        notebook: its file. What somebody wrote in it doesn't matter: it says itself what it was built from.

    Returns:
        One sentence; None where both agree, or where nothing can be said.
    """
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError, LabError):
        theirs = Origin.of(json.loads(notebook.read_bytes()))
        if theirs is None or not theirs.version or theirs.folder == "solutions":
            return None
        ours = shipped.version()
        own = shipped.origin(theirs)
        if own is not None and own.content == theirs.content:
            return None
        if is_newer(theirs.version, ours):
            return filled(_NEWER, theirs=theirs.version, ours=ours)
        if own is not None and is_newer(ours, theirs.version):
            return filled(_OLDER, theirs=theirs.version, ours=ours)
    return None
