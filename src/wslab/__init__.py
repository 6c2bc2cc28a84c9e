"""WebSocket Lab: see the real event loop and the real bytes of a real server that runs in your notebook."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wslab.audience import Audience, Outcomes, Road, audience, road
    from wslab.broker import Broker, broker
    from wslab.capture import Capture, capture
    from wslab.capture.explain import explain
    from wslab.classroom import Classroom, classroom
    from wslab.doctor import doctor
    from wslab.edition import use
    from wslab.errors import LabError, NotInstalled
    from wslab.export import export
    from wslab.gate import Limits
    from wslab.labs import check, hint, progress, reset, solution, transcript
    from wslab.language import Text
    from wslab.predictions import ask_again, predict
    from wslab.proxy import Nginx, nginx
    from wslab.recording import Recording, compare, record
    from wslab.serving import ProcessServer, Server, ServerStartError, hang_up, serve, servers, stop_all, terminal

_HOMES = {
    "wslab.audience": ("Audience", "Outcomes", "Road", "audience", "road"),
    "wslab.broker": ("Broker", "broker"),
    "wslab.capture": ("Capture", "capture", "explain"),
    "wslab.classroom": ("Classroom", "classroom"),
    "wslab.doctor": ("doctor",),
    "wslab.edition": ("use",),
    "wslab.errors": ("LabError", "NotInstalled"),
    "wslab.export": ("export",),
    "wslab.gate": ("Limits",),
    "wslab.labs": ("check", "hint", "progress", "reset", "solution", "transcript"),
    "wslab.language": ("Text",),
    "wslab.predictions": ("ask_again", "predict"),
    "wslab.proxy": ("Nginx", "nginx"),
    "wslab.recording": ("Recording", "compare", "record"),
    "wslab.serving": (
        "ProcessServer",
        "Server",
        "ServerStartError",
        "hang_up",
        "serve",
        "servers",
        "stop_all",
        "terminal",
    ),
}

__all__ = [
    "Audience",
    "Broker",
    "Capture",
    "Classroom",
    "LabError",
    "Limits",
    "Nginx",
    "NotInstalled",
    "Outcomes",
    "ProcessServer",
    "Recording",
    "Road",
    "Server",
    "ServerStartError",
    "Text",
    "ask_again",
    "audience",
    "broker",
    "capture",
    "check",
    "classroom",
    "compare",
    "doctor",
    "explain",
    "export",
    "hang_up",
    "hint",
    "nginx",
    "predict",
    "progress",
    "record",
    "reset",
    "road",
    "serve",
    "servers",
    "solution",
    "stop_all",
    "terminal",
    "transcript",
    "use",
]


_IN_EXTRA = ("psutil", "segno")
"""Packages of the extra `class`, which a learner's installation does not have."""


class _Public:
    """A public name, imported when it is first asked for, as PEP 562 has it for modules.

    A descriptor and not a module's `__getattr__`: some names are also those of a room (`capture`, `doctor`), which the
    import system would put in their place.
    """

    def __init__(self, home: str, name: str) -> None:
        self._home = home
        self._name = name
        self._value: Any = None

    def __get__(self, kit: ModuleType | None, owner: type) -> Any:
        if self._value is None:
            try:
                self._value = getattr(importlib.import_module(self._home), self._name)
            except ModuleNotFoundError as error:
                raise _explained(error, self._name) from error
        return self._value

    def __set__(self, kit: ModuleType, value: Any) -> None:
        if not isinstance(value, ModuleType):
            self._value = value


def _explained(error: ModuleNotFoundError, name: str) -> Exception:
    """What to say where a package is missing; `wslab doctor` says more."""
    package = error.name or "wslab"
    if package.partition(".")[0] == "wslab":
        return error
    from wslab.errors import LabError
    from wslab.language import Text

    if package in _IN_EXTRA:
        beside = Text(
            en="`{name}` needs the package {package}, which an instructor installs beside the course: "
            'pip install "wslab[class]" (or: uvx --from "wslab[class]" wslab lab)',
            tr="`{name}` için {package} paketi gerekiyor. Eğitmenler onu kursa ek olarak kurar: "
            'pip install "wslab[class]" (ya da: uvx --from "wslab[class]" wslab lab)',
        )
        return LabError(beside, package=package, name=name)
    incomplete = Text(
        en="The package {package} is missing here, so `{name}` can't be used. Run `wslab doctor` in a terminal: it "
        "says what to install.",
        tr="Burada {package} paketi eksik, bu yüzden `{name}` kullanılamıyor. Uçbirimde `wslab doctor` çalıştırın: "
        "neyin kurulacağını söyler.",
    )
    return LabError(incomplete, package=package, name=name)


class _Kit(ModuleType):
    """This module, with its public names."""

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *__all__})


for _home, _names in _HOMES.items():
    for _name in _names:
        setattr(_Kit, _name, _Public(_home, _name))
sys.modules[__name__].__class__ = _Kit
