"""The wrong paths that any check may meet, and the words that all checks share."""

from __future__ import annotations

from wslab.labs.lab_texts import read_texts

texts = read_texts("general")

# Nothing to judge

NO_APP = texts.wrong("no-app")
CELL_FAILED = texts.wrong("cell-did-not-run")
CELL_HALF_RUN = texts.wrong("cell-ran-in-part")
WRONG_APP = texts.wrong("wrong-app")
DOES_NOT_START = texts.wrong("does-not-start")

NOT_REACHED = texts.wrong("not-reached")
NO_BROKER = texts.wrong("no-broker")

# No connection

NEVER_ACCEPTED = texts.wrong("never-accepted")
REFUSED = texts.wrong("refused")
NOT_ANNOTATED = texts.wrong("not-annotated")
NOT_GIVEN = texts.wrong("parameter-not-given")
NO_HANDLER = texts.wrong("no-handler")
HTTP_ONLY = texts.wrong("handler-for-http")
ANOTHER_PATH = texts.wrong("another-path")
USED_BEFORE_ACCEPT = texts.wrong("used-before-accept")
HANDSHAKE_HANGS = texts.wrong("handshake-hangs")
NO_HANDSHAKE = texts.wrong("no-handshake")
NEEDS_ANOTHER = texts.wrong("needs-another")
GHOSTS = texts.wrong("gone-clients-in-the-list")

# No answer

NO_ANSWER = texts.wrong("no-answer")
BLOCKS = texts.wrong("blocks-the-loop")
DIED = texts.wrong("server-died")
ENDED = texts.wrong("connection-ended")
CLOSED_BY_HANDLER = texts.wrong("closed-by-the-handler")
NOT_AWAITED = texts.wrong("not-awaited")
RUN_IN_A_LOOP = texts.wrong("run-in-a-running-loop")
ASYNC_FOR = texts.wrong("async-for-over-nothing")
ANOTHER_LOOP = texts.wrong("bound-to-another-loop")

# A turn's function

NO_FUNCTION = texts.wrong("no-function")
CALLED_ALREADY = texts.wrong("called-already")
NO_COROUTINE_FUNCTION = texts.wrong("no-coroutine-function")
RETURNS_COROUTINE = texts.wrong("returns-a-coroutine")
FUNCTION_RAISED = texts.wrong("function-raised")
WITH_WITHOUT_ASYNC = texts.wrong("with-without-async")
NOT_OPENED = texts.wrong("connection-not-opened")
SERVERS_NAME = texts.wrong("names-of-the-server")
USED_AFTER_ITS_END = texts.wrong("used-after-its-end")
CLIENT_REFUSED = texts.wrong("client-refused")
NO_ADDRESS = texts.wrong("no-address")
NEVER_RETURNS = texts.wrong("never-returns")

# An exception

HANDLER_RAISED = texts.wrong("handler-raised")
TASK_RAISED = texts.wrong("task-raised")
HIDDEN = texts.wrong("hidden-exception")
AWAITS_NO_COROUTINE = texts.wrong("awaits-no-coroutine")
CALLS_A_VALUE = texts.wrong("calls-a-value")
TASK_OF_NO_COROUTINE = texts.wrong("task-of-no-coroutine")
LOCAL_NAME = texts.wrong("local-name")
UNKNOWN_NAME = texts.wrong("unknown-name")
SENDS_NO_TEXT = texts.wrong("sends-no-text")
TEXT_AND_NUMBER = texts.wrong("text-and-number")
RAW_SEND = texts.wrong("raw-send")
WHOLE_MESSAGE = texts.wrong("whole-message")
NO_SUCH_ATTRIBUTE = texts.wrong("no-such-attribute")
ACCEPTS_TWICE = texts.wrong("accepts-twice")
EXPECTS_JSON = texts.wrong("expects-json")
EXPECTS_BYTES = texts.wrong("expects-bytes")
NO_SUCH_CODE = texts.wrong("no-such-code")
NO_SUCH_KEY = texts.wrong("no-such-key")
NO_NUMBER = texts.wrong("no-number-for-int")
OTHER_ARGUMENTS = texts.wrong("other-arguments")
COROUTINE_FOR_VALUE = texts.wrong("coroutine-for-value")
NOT_CALLED = texts.wrong("not-called")
OTHER_METHOD = texts.wrong("method-of-another-kind")

# Anything else

EMPTY_MESSAGE = texts.wrong("empty-message")
UNFORESEEN = texts.wrong("unforeseen")
TOO_LONG = texts.wrong("too-long")
STUMBLED = texts.wrong("check-stumbled")

GENERAL = (
    NO_APP, CELL_FAILED, CELL_HALF_RUN, WRONG_APP, DOES_NOT_START, NOT_REACHED, NO_BROKER, NEVER_ACCEPTED, REFUSED,
    NOT_ANNOTATED,
    NOT_GIVEN, NO_HANDLER, HTTP_ONLY, ANOTHER_PATH, USED_BEFORE_ACCEPT, HANDSHAKE_HANGS, NO_HANDSHAKE, NEEDS_ANOTHER,
    GHOSTS, NO_ANSWER, BLOCKS, DIED, ENDED, CLOSED_BY_HANDLER, NOT_AWAITED, RUN_IN_A_LOOP, ASYNC_FOR, ANOTHER_LOOP,
    HANDLER_RAISED, TASK_RAISED, HIDDEN, AWAITS_NO_COROUTINE, LOCAL_NAME, UNKNOWN_NAME, SENDS_NO_TEXT,
    TEXT_AND_NUMBER, RAW_SEND, WHOLE_MESSAGE, NO_SUCH_ATTRIBUTE, ACCEPTS_TWICE, EXPECTS_JSON, EXPECTS_BYTES,
    NO_SUCH_CODE, NO_SUCH_KEY, NO_NUMBER, OTHER_ARGUMENTS, OTHER_METHOD, NOT_CALLED, COROUTINE_FOR_VALUE,
    NO_FUNCTION, CALLED_ALREADY, NO_COROUTINE_FUNCTION, RETURNS_COROUTINE, FUNCTION_RAISED, NEVER_RETURNS,
    WITH_WITHOUT_ASYNC, NOT_OPENED, SERVERS_NAME, USED_AFTER_ITS_END, CLIENT_REFUSED, NO_ADDRESS,
    CALLS_A_VALUE, TASK_OF_NO_COROUTINE, UNFORESEEN, TOO_LONG, STUMBLED,
)  # fmt: skip
"""Every misconception that does not belong to one lab."""

SERVER_UNRESPONSIVE = frozenset({BLOCKS.id, DIED.id, TOO_LONG.id, DOES_NOT_START.id})
"""After one of these the server is started anew before the next check."""

# Observations

NOTHING_CAME = texts.saw("nothing-came")
CONNECTION_ENDED = texts.saw("connection-ended")
STATUS_CAME = texts.saw("status-came")
HANDSHAKE_BROKEN = texts.saw("handshake-broken")
HANDSHAKE_UNANSWERED = texts.saw("handshake-unanswered")
NOBODY_LISTENS = texts.saw("nobody-listens")
WHERE = texts.saw("where")
