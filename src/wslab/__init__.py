"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""

from wslab.capture import Capture, capture, explain
from wslab.errors import LabError
from wslab.labs import check, hint, reset, solution, transcript
from wslab.language import Text
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
    "Text",
    "capture",
    "check",
    "compare",
    "doctor",
    "explain",
    "hint",
    "predict",
    "progress",
    "record",
    "reset",
    "serve",
    "servers",
    "solution",
    "stop_all",
    "transcript",
    "use",
]
