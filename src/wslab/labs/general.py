"""The wrong paths that any check may meet, and the words that all checks share."""

from __future__ import annotations

from wslab.labs.lab_texts import read_texts

texts = read_texts("general")

# Nothing to judge

NO_APP = texts.wrong("no-app")
CELL_FAILED = texts.wrong("cell-did-not-run")
WRONG_APP = texts.wrong("wrong-app")
DOES_NOT_START = texts.wrong("does-not-start")

NOT_REACHED = texts.wrong("not-reached")

# No connection

NEVER_ACCEPTED = texts.wrong("never-accepted")
REFUSED = texts.wrong("refused")
NOT_ANNOTATED = texts.wrong("not-annotated")
HANDSHAKE_HANGS = texts.wrong("handshake-hangs")
NO_HANDSHAKE = texts.wrong("no-handshake")
NEEDS_ANOTHER = texts.wrong("needs-another")
GHOSTS = texts.wrong("gone-clients-in-the-list")

# No answer

NO_ANSWER = texts.wrong("no-answer")
BLOCKS = texts.wrong("blocks-the-loop")
DIED = texts.wrong("server-died")
ENDED = texts.wrong("connection-ended")
HANDLER_RAISED = texts.wrong("handler-raised")
NOT_AWAITED = texts.wrong("not-awaited")
ANOTHER_LOOP = texts.wrong("bound-to-another-loop")

# A turn's function

NO_FUNCTION = texts.wrong("no-function")
CALLED_ALREADY = texts.wrong("called-already")
NO_COROUTINE_FUNCTION = texts.wrong("no-coroutine-function")
RETURNS_COROUTINE = texts.wrong("returns-a-coroutine")
FUNCTION_RAISED = texts.wrong("function-raised")
NEVER_RETURNS = texts.wrong("never-returns")

# Anything else

UNFORESEEN = texts.wrong("unforeseen")
TOO_LONG = texts.wrong("too-long")
STUMBLED = texts.wrong("check-stumbled")

GENERAL = (
    NO_APP, CELL_FAILED, WRONG_APP, DOES_NOT_START, NOT_REACHED, NEVER_ACCEPTED, REFUSED, NOT_ANNOTATED,
    HANDSHAKE_HANGS, NO_HANDSHAKE, NEEDS_ANOTHER, GHOSTS, NO_ANSWER, BLOCKS, DIED, ENDED, HANDLER_RAISED, NOT_AWAITED,
    ANOTHER_LOOP, NO_FUNCTION, CALLED_ALREADY, NO_COROUTINE_FUNCTION, RETURNS_COROUTINE, FUNCTION_RAISED, NEVER_RETURNS,
    UNFORESEEN, TOO_LONG, STUMBLED,
)  # fmt: skip
"""Every misconception that does not belong to one lab."""

SERVER_UNRESPONSIVE = frozenset({BLOCKS.id, DIED.id, TOO_LONG.id})
"""After one of these the server is started anew before the next check."""

# Observations

NOTHING_CAME = texts.saw("nothing-came")
CONNECTION_ENDED = texts.saw("connection-ended")
STATUS_CAME = texts.saw("status-came")
HANDSHAKE_BROKEN = texts.saw("handshake-broken")
HANDSHAKE_UNANSWERED = texts.saw("handshake-unanswered")
NOBODY_LISTENS = texts.saw("nobody-listens")
WHERE = texts.saw("where")
