"""The graded labs: check() judges a learner's server by what it does over the wire."""

from wslab.labs.catalogue import labs, points, progress
from wslab.labs.checking import Checking, check, transcript
from wslab.labs.helping import hint, reset, solution
from wslab.labs.verdict import Outcome, Verdict

__all__ = [
    "Checking",
    "Outcome",
    "Verdict",
    "check",
    "hint",
    "labs",
    "points",
    "progress",
    "reset",
    "solution",
    "transcript",
]
