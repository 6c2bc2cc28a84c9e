"""serve(): a real uvicorn server in a background thread of this process."""

from wslab.serving.connections import Connection, Connections
from wslab.serving.errors import ServerStartError, WrongApp
from wslab.serving.log import Entry, Log
from wslab.serving.server import Server, hang_up, serve, servers, stop_all
from wslab.serving.terminal import terminal

__all__ = [
    "Connection",
    "Connections",
    "Entry",
    "Log",
    "Server",
    "ServerStartError",
    "WrongApp",
    "hang_up",
    "serve",
    "servers",
    "stop_all",
    "terminal",
]
