"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""

from wslab.capture import Capture, capture
from wslab.errors import LabError
from wslab.learning import doctor, predict, progress
from wslab.notebook import use
from wslab.recording import Recording, compare, record
from wslab.serving import Server, ServerStartError, serve, servers, stop_all

__all__ = [
    "Capture",
    "LabError",
    "Recording",
    "Server",
    "ServerStartError",
    "capture",
    "compare",
    "doctor",
    "predict",
    "progress",
    "record",
    "serve",
    "servers",
    "stop_all",
    "use",
]
