"""Why a server did not start."""

from wslab.errors import LabError


class ServerStartError(LabError):
    """The server did not start; the message says why and what to do, `__cause__` holds the app's own error."""


class WrongApp(LabError, TypeError):
    """What was given to serve() is not something that can be served."""
