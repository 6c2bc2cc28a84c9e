"""How a check says what is wrong: it raises a `Failure` that names the misconception."""

from __future__ import annotations

from wslab.labs.verdict import NOTHING, Misconception
from wslab.language import Text, filled

_EXPECTED = Text(en="Expected {expected}, came {came}.", tr="Beklenen: {expected}. Gelen: {came}.")


class Failure(Exception):
    """A check's claim does not hold.

    Attributes:
        misconception: the wrong path that this shows.
        observed: what was seen.
        meaning, next: the misconception's sentences, filled in.
        earned: points that were earned all the same.
        waits_for: the check whose failure is behind this one, so that nothing is judged here; empty for none.
        stops: why the checks that need this one have nothing to judge; None where they have.
        error: the exception or warning of the server that it names, which nothing outranks; None where it names none.
    """

    waits_for = ""
    stops: Misconception | None = None

    def earning(self, points: float) -> Failure:
        """The same, with a part of the points: `raise Failure(…).earning(1)`."""
        self.earned = points
        return self

    def stopping(self, misconception: Misconception) -> Failure:
        """The same, where the checks that need this one would wait for nothing: they say so at once.

        Args:
            misconception: what those checks say.
        """
        self.stops = misconception
        return self

    def __init__(self, misconception: Misconception, observed: Text | None = None, /, **values: object) -> None:
        """`values` fill in the `{names}` of all three sentences; without `observed`, `expected` and `came` make it."""
        super().__init__(misconception.id)
        self.misconception = misconception
        if observed is None:
            observed = _EXPECTED if {"expected", "came"} <= values.keys() else NOTHING
        self.observed = filled(observed, **values)
        self.meaning = filled(misconception.meaning, **values)
        self.next = filled(misconception.next, **values)
        self.earned = 0.0
        self.error = values.get("error")


class Waits(Failure):
    """Nothing can be judged before another check passes."""

    def __init__(
        self, check: str, misconception: Misconception, observed: Text | None = None, /, **values: object
    ) -> None:
        """`check` is its name in the same lab; the rest is as for `Failure`."""
        super().__init__(misconception, observed, needs=check, **values)
        self.waits_for = check


class NoConnection(Failure):
    """No WebSocket was opened, so that a check which needs one has nothing to judge."""
