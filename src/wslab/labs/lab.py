"""What a lab is made of: checks, their hints and their named wrong paths. Data, and one coroutine a check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wslab.labs.stage import Stage
from wslab.labs.verdict import Misconception
from wslab.language import Text


@dataclass(frozen=True, slots=True)
class Hint:
    """One rung: a sentence or two, and for the last rung a skeleton.

    Attributes:
        says: what the learner reads.
        code: lines of code below it; no language, so hardly a word in it.
    """

    says: Text
    code: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One claim about what a server does over the wire.

    Attributes:
        name: its name in the lab, `"echo"`: lowercase English, never renamed after a release.
        title: what it is about, in a few words.
        points: what it is worth; 0 for a warm-up.
        run: judges a server over a stage. It returns what it saw where all is well, and raises `Failure` where not.
        hints: three rungs: what to look at → which line or rule → a skeleton.
        wrong: every misconception that `run` names; those that any check may find are in `general`.
        needs: the check that has to pass before this one can be judged; `""` for none. Where the server accepts no
            connection, this check says so and sends the learner there.
        app: the name of the variable that holds the app it is about.
        budget: seconds after which it is broken off, more on a busy machine. Its own deadlines end it long before.
    """

    name: str
    title: Text
    points: float
    run: Callable[[Stage], Awaitable[Text]]
    hints: tuple[Hint, ...]
    wrong: tuple[Misconception, ...]
    needs: str = ""
    app: str = "app"
    budget: float = 10.0


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab.

    Attributes:
        slug: the name of its notebook: `"L1-echo"`.
        title: without the number.
        checks: in the order in which a learner meets them.
    """

    slug: str
    title: Text
    checks: tuple[Check, ...]

    @property
    def number(self) -> str:
        """`"L1"`."""
        return self.slug.partition("-")[0]

    @property
    def points(self) -> float:
        """What the whole lab is worth."""
        return sum(check.points for check in self.checks)

    @property
    def maxima(self) -> Mapping[str, float]:
        """What each graded check is worth, by name."""
        return {check.name: check.points for check in self.checks if check.points}

    def check(self, name: str) -> Check | None:
        """The check of that name, or None."""
        return next((check for check in self.checks if check.name == name), None)
