"""What the tape knows of one task or callback while it is filmed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import CodeType
from typing import Any

from wslab.recording import naming
from wslab.recording.footage import LaneNotes

_MOST_SEARCHES = 16  # of one task, each a walk down its chain of awaits


def nothing() -> None:
    return None


class Tracked:
    """What is known of one task or callback while it is being filmed."""

    __slots__ = (
        "anchor",
        "born",
        "client",
        "code",
        "ended",
        "ending",
        "error",
        "explicit",
        "filename",
        "first",
        "helper",
        "kind",
        "last",
        "lasti",
        "number",
        "origin",
        "outermost",
        "own",
        "place",
        "qualname",
        "ref",
        "scope",
        "searches",
        "serves",
        "user",
        "wait_failed",
    )

    def __init__(self, number: int, kind: str, born: int) -> None:
        self.number = number
        self.kind = kind
        self.born = born
        self.origin = "new"
        self.user = False
        self.ended = 0
        self.ending = ""
        self.error = ""
        self.wait_failed = False
        # Names: the author's, the coroutine's own, and the learner's outermost functions that it went through.
        self.explicit = ""
        self.qualname = ""
        self.filename = ""
        self.outermost: list[CodeType] = []
        # The ASGI scope that it works for, held as long as the task lives: the endpoint is entered there only on the
        # way. `own` and `helper` as in `naming.Served`.
        self.scope: Mapping[str, Any] | None = None
        self.own = False
        self.helper = False
        self.client: tuple[str, int] | None = None
        self.searches = 0
        self.serves = ""
        self.ref: Callable[[], Any] = nothing
        # The learner's outermost coroutine, weakly: a strong reference to a suspended coroutine would keep a task
        # alive that Python would otherwise destroy, and so change the program that is being watched.
        self.anchor: Callable[[], Any] = nothing
        self.code: CodeType | None = None
        self.lasti = -1
        self.place = 0
        self.first = 0
        self.last = 0

    def passed_through(self, code: CodeType) -> None:
        """Learn that `code` is the learner's outermost function at this moment."""
        self.user = True
        if code not in self.outermost and len(self.outermost) < 16:
            self.outermost.append(code)

    @property
    def name(self) -> str:
        """What its lane is called."""
        if self.explicit:
            return self.explicit
        own = [naming.function_name(code.co_qualname, code.co_filename) for code in self.outermost[-1:]]
        if self.scope is None:
            return own[0] if own else naming.function_name(self.qualname, self.filename)
        if self.helper:
            return own[0] if own else naming.helper_name(self.scope, self.qualname.rpartition(".")[2])
        endpoint = naming.endpoint_of(self.scope)
        if endpoint is not None:
            answers = naming.endpoint_name(endpoint)
            # A learner's middleware or dependency that runs before the endpoint, or in a task of its own, is named too.
            reached = not naming.endpoint_codes(endpoint).isdisjoint(self.outermost)
            own = [answers] if reached else [*own, answers]
        return naming.scope_name(self.scope, " → ".join(own))

    def search(self, coroutine: Any) -> None:
        """Look in a suspended task for the ASGI scope that it works for, and for the endpoint that answers.

        A scope without an endpoint may be the original of a copy that a middleware handed on.
        """
        if self.searches >= _MOST_SEARCHES:
            return
        if self.scope is None:
            self.searches += 1
            served = naming.served_by(coroutine)
            if served is not None:
                self.scope, self.own, self.helper = served
        elif not self.helper and naming.endpoint_of(self.scope) is None:
            self.searches += 1
            self.scope = naming.routed_scope(coroutine) or self.scope

    def let_go_of_scope(self) -> None:
        """Keep of a task that is over the names alone, not what they came from."""
        if self.scope is not None:
            now = self.notes()
            self.explicit, self.serves, self.user, self.scope = now.name, now.serves, now.user, None
            self.client = now.client

    def notes(self) -> LaneNotes:
        """What is known at this moment, with its name as text."""
        return LaneNotes(
            number=self.number,
            name=self.name,
            kind=self.kind,
            serves=str(self.scope.get("type")) if self.scope is not None and self.own else self.serves,
            user=self.user or (self.scope is not None and naming.endpoint_of(self.scope) is not None),
            born=self.born,
            origin=self.origin,
            ended=self.ended,
            ending=self.ending,
            error=self.error,
            wait_failed=self.wait_failed,
            first=self.first,
            client=naming.client_of(self.scope) if self.scope is not None and self.own else self.client,
        )
