"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""

from wslab.errors import LabError
from wslab.notebook import use
from wslab.serving import Server, ServerStartError, serve, servers, stop_all

__all__ = ["LabError", "Server", "ServerStartError", "serve", "servers", "stop_all", "use"]
