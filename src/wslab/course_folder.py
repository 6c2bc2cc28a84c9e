"""Where the course lies."""

from __future__ import annotations

from pathlib import Path

from wslab.language import LANGUAGES


def course_folder(start: Path | None = None) -> Path | None:
    """The course's folder: the nearest one from `start` upwards that holds an edition of it, or its source.

    Args:
        start: where to look first; without it, the working directory.

    Returns:
        The folder, or None where there is no course.
    """
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / "course" / "notebooks").is_dir() or any(
            (folder / kind / language).is_dir() for kind in ("notebooks", "labs") for language in LANGUAGES
        ):
            return folder
    return None
