"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""

from typing import TYPE_CHECKING

from wslab.errors import LabError
from wslab.language import Text

_missing: ModuleNotFoundError | None = None

try:
    from wslab.capture import Capture, capture, explain
    from wslab.classroom import Classroom, classroom
    from wslab.gate import Limits
    from wslab.labs import check, hint, progress, reset, solution, transcript
    from wslab.learning import doctor, predict
    from wslab.notebook import use
    from wslab.recording import Recording, compare, record
    from wslab.serving import Server, ServerStartError, serve, servers, stop_all
except ModuleNotFoundError as error:
    if (error.name or "wslab").partition(".")[0] == "wslab":
        raise
    # `wslab doctor` says what is missing, so the kit itself must be there to be asked.
    _missing = error

__all__ = [
    "Capture",
    "Classroom",
    "LabError",
    "Limits",
    "Recording",
    "Server",
    "ServerStartError",
    "Text",
    "capture",
    "check",
    "classroom",
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

_INCOMPLETE = Text(
    en="The package {package} is missing here, so `{name}` can't be used. Run `wslab doctor` in a terminal: it says "
    "what to install.",
    tr="Burada {package} paketi eksik, bu yüzden `{name}` kullanılamıyor. Uçbirimde `wslab doctor` çalıştırın: "
    "neyin kurulacağını söyler.",
)

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if _missing is None or name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        raise LabError(_INCOMPLETE, package=_missing.name, name=name) from _missing
