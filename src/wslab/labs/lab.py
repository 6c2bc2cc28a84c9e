"""What a lab is made of: checks, their hints and their named wrong paths. Data, and one coroutine a check."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from wslab.labs.lab_texts import BadTexts, Hint, Texts
from wslab.labs.stage import Stage
from wslab.labs.verdict import Misconception
from wslab.language import Text


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
        calls: whether it is about a function or a value of the learner's instead of an app.
        processes: whether the app is served by two processes, with a broker.
        budget: seconds after which it is broken off, more on a busy machine; extensions of its deadlines come on top.
            These end it long before.
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
    calls: bool = False
    processes: bool = False

    @classmethod
    def of(
        cls,
        texts: Texts,
        name: str,
        run: Callable[[Stage], Awaitable[Text]],
        *,
        points: float,
        needs: str = "",
        app: str = "app",
        budget: float = 10.0,
        calls: bool = False,
        processes: bool = False,
    ) -> Check:
        """The check with what `texts` says about it.

        Raises:
            BadTexts: nothing is written about it, or it lists a misconception that is not there.
        """
        written = texts.check(name)
        return cls(
            name, written.title, points, run, written.hints, texts.listed(name), needs, app, budget, calls, processes
        )


@dataclass(frozen=True, slots=True)
class Lab:
    """A lab, or the turns of a unit.

    Attributes:
        slug: the name of its notebook: `"L1-echo"`, `"05-accept"`.
        title: without the number; empty for a unit's turns.
        checks: in the order in which a learner meets them.
    """

    slug: str
    title: Text
    checks: tuple[Check, ...]

    @classmethod
    def of(cls, texts: Texts, slug: str, *checks: Check) -> Lab:
        """The lab with its title.

        Raises:
            BadTexts: something is written about a check that is not there.
        """
        names = [check.name for check in checks]
        for name in texts.checks:
            if name not in names:
                raise BadTexts(f'{texts.path}:{texts.lines["checks", name]}: the lab has no check "{name}"')
        return cls(slug, texts.title, checks)

    @property
    def number(self) -> str:
        """`"L1"`, `"05"`."""
        return self.slug.partition("-")[0]

    @property
    def turns(self) -> bool:
        """Whether it is the turns of a unit: they have no points, no hints and cells of their own."""
        return self.number.isdigit()

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
