"""A copy of the course as nbgrader uses it, with its own `nbgrader_config.py`, and what is asked of it."""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.grading.corpus import ROOT, Sample
from tests.kernels import connection

from wslab.grading.nbgrader_course import LANGUAGE


@dataclass(frozen=True)
class Course:
    """A folder with what nbgrader needs of the checkout.

    Attributes:
        folder: where it is.
        language: the edition that it releases.
    """

    folder: Path
    language: str

    @classmethod
    def copied(cls, folder: Path, language: str) -> Course:
        """A copy without a gradebook and without labs: nbgrader releases those."""
        shutil.copytree(ROOT / "solutions", folder / "solutions")
        shutil.copy(ROOT / "nbgrader_config.py", folder)
        return cls(folder, language)

    def command(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `nbgrader …` as from a shell in which the environment is not active; return what it said."""
        program = Path(sys.executable).parent / "nbgrader"
        bare = {LANGUAGE: self.language, "PATH": os.defpath, "WSLAB_HOME": str(self.folder / "home"), **environment}
        return subprocess.run(
            [program, *words],
            cwd=self.folder,
            env=os.environ | bare,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )

    def done(self, *words: str, **environment: str) -> str:
        """As `command()`, and it has to succeed; return what it said."""
        result = self.command(*words, **environment)
        assert result.returncode == 0, result.stdout
        return result.stdout

    @property
    def config(self) -> Any:
        """The configuration that nbgrader reads here."""
        from traitlets.config.loader import PyFileConfigLoader

        config = PyFileConfigLoader("nbgrader_config.py", path=str(self.folder)).load_config()
        config.CourseDirectory.root = str(self.folder)
        return config

    def run(self, converter: str, lab: str, **options: Any) -> None:
        """Do what the command of a converter does, `"Autograde"`, without the seconds that a new process takes."""
        from nbgrader import converters
        from nbgrader.coursedir import CourseDirectory

        config = self.config
        config.CourseDirectory.assignment_id = lab
        config.KernelManager.update(connection())
        for name, value in options.items():
            section, _, key = name.partition("__")
            config[section][key] = value
        made = getattr(converters, converter)(coursedir=CourseDirectory(config=config), config=config)
        made.start()

    def grades(self, one: Sample) -> tuple[Mapping[str, float | None], set[str]]:
        """What the gradebook holds of a submission: points by check, and the cells that wait for somebody to read."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            found = gradebook.find_submission(one.lab.slug, one.student).notebooks[0].grades
            points = {
                grade.name.removeprefix("check-"): grade.auto_score
                for grade in found
                if grade.name.startswith("check-")
            }
            return points, {grade.name for grade in found if grade.needs_manual_grade}

    def points(self, lab: str, student: str) -> dict[str, float]:
        """What the gradebook holds of a student's lab, by check; what was not judged is worth nothing."""
        from nbgrader.api import Gradebook

        with Gradebook(f"sqlite:///{self.folder / 'gradebook.db'}") as gradebook:
            found = gradebook.find_submission(lab, student).notebooks[0].grades
            checks = [grade for grade in found if grade.name.startswith("check-")]
            return {grade.name.removeprefix("check-"): float(grade.auto_score or 0.0) for grade in checks}

    def exported(self) -> list[dict[str, str]]:
        """The rows of the table that `nbgrader export` wrote."""
        with (self.folder / "grades.csv").open(encoding="utf-8", newline="") as table:
            return list(csv.DictReader(table))
