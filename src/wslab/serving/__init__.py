"""serve(): a real uvicorn server, in a background thread of this process or in processes of its own."""

from wslab.serving.connections import Connection, Connections
from wslab.serving.errors import ServerStartError, WrongApp
from wslab.serving.log import Entry, Log
from wslab.serving.processes.process_server import ProcessServer
from wslab.serving.server import Server, every_server, hang_up, serve, servers, stop_all
from wslab.serving.terminal import terminal

__all__ = [
    "Connection",
    "Connections",
    "Entry",
    "Log",
    "ProcessServer",
    "Server",
    "ServerStartError",
    "WrongApp",
    "every_server",
    "hang_up",
    "serve",
    "servers",
    "stop_all",
    "terminal",
]
