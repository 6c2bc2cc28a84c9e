"""From `course/`, where each notebook is written once for every language, to the editions that people open."""

from wslab.authoring.building.adopting import adopt
from wslab.authoring.building.editions import build, check, notebook, units
from wslab.authoring.building.minutes import in_class
from wslab.authoring.building.problems import BuildError, Problem
from wslab.authoring.building.unit import Cell, Unit

__all__ = ["BuildError", "Cell", "Problem", "Unit", "adopt", "build", "check", "in_class", "notebook", "units"]
