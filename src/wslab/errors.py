"""Errors that speak to a learner: one sentence in the reader's language instead of a page of traceback."""

from __future__ import annotations

from collections.abc import Iterator

from wslab.language import Text


class LabError(Exception):
    """Something the learner can mend; its message says what happened and what to do.

    In IPython and Jupyter only the sentence is shown (`_render_traceback_` is IPython's hook for that);
    everywhere else it is an ordinary exception.
    """

    def __init__(self, message: Text | str, **values: object) -> None:
        super().__init__(message.format(**values) if isinstance(message, Text) else message)

    def _render_traceback_(self) -> list[str]:
        lines = [f"{type(self).__name__}: {self}"]
        if self.__cause__ is not None:
            lines.append(f"  ← {type(self.__cause__).__name__}: {self.__cause__}")
        return lines


class NotInstalled(LabError):
    """A program that a cell needs is not on this machine, so there is nothing to measure.

    A cell may hand it on instead of a value: displayed and printed it is its sentence, and `outcome()` of a prediction
    then shows what the course measured.
    """

    def __repr__(self) -> str:
        return str(self)


def exception_paths(error: BaseException) -> Iterator[tuple[BaseException, ...]]:
    """The ways from an exception into the groups that it holds, each down to an exception that is no group.

    A bare exception has one way, itself. Source: PEP 654; `asyncio.TaskGroup` raises a group also for a single child.
    """
    waiting: list[tuple[BaseException, ...]] = [(error,)]
    while waiting:
        path = waiting.pop()
        last = path[-1]
        if isinstance(last, BaseExceptionGroup):
            waiting += [(*path, one) for one in reversed(last.exceptions)]
        else:
            yield path
