"""doctor(): can the course run here? Each question is answered by trying, and each answer is one line."""

from __future__ import annotations

import asyncio
import contextlib
import html
import importlib.metadata
import inspect
import os
import re
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wslab.language import Text, current_language
from wslab.picture import GREEN, ORANGE, VERMILION, sentence_html, stylesheet
from wslab.progress.database import home

if TYPE_CHECKING:
    from rich.console import RenderableType

    from wslab.serving import Server

OLDEST, NEWEST = (3, 11), (3, 14)
DOCUMENT_PORTS = (8000, 8001)
"""The ports that the document's server and client use."""


class State(Enum):
    """What a finding means for the course."""

    OK = "ok"
    NOTE = "note"
    """The course runs; something in it will look different."""
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer of `doctor()`.

    Attributes:
        name: what was looked at.
        state: OK, worth knowing, or a problem.
        says: what was found.
        do: what to do about it; None where there is nothing to do.
    """

    name: Text
    state: State
    says: Text
    do: Text | None = None

    def __str__(self) -> str:
        """The finding as one line in the current language."""
        do = f" → {self.do}" if self.do is not None else ""
        return f"[{str(_STATES[self.state]).center(5)}] {self.name}: {self.says}{do}"


_STATES = {
    State.OK: Text(en="OK", tr="TAMAM"),
    State.NOTE: Text(en="NOTE", tr="BİLGİ"),
    State.PROBLEM: Text(en="DO", tr="YAPIN"),
}
_COLOURS = {State.OK: GREEN, State.NOTE: ORANGE, State.PROBLEM: VERMILION}
_ALL_WELL = Text(en="Everything the course needs is here.", tr="Kursun gereksindiği her şey yerinde.")
_SOME_TO_DO = Text(
    en="{count} to mend before you start; the lines above say how.",
    tr="Başlamadan önce düzeltilecek {count} konu var; nasıl düzeltileceğini yukarıdaki satırlar söylüyor.",
)


class Report(list[Finding]):
    """The findings; a card in a notebook, coloured lines with rich, plain lines elsewhere."""

    @property
    def exit_status(self) -> int:
        """0, or 1 if something has to be mended."""
        return 1 if self.problems else 0

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that stand in the course's way."""
        return tuple(finding for finding in self if finding.state is State.PROBLEM)

    @property
    def conclusion(self) -> str:
        """One sentence in the current language."""
        return _SOME_TO_DO.format(count=len(self.problems)) if self.problems else str(_ALL_WELL)

    def __repr__(self) -> str:
        return "\n".join([*map(str, self), self.conclusion])

    def __rich__(self) -> RenderableType:
        """Lines for a terminal; print them with `soft_wrap=True`, so that each stays one line when it is copied."""
        from rich.console import Group
        from rich.text import Text as Line

        lines = []
        for finding in self:
            colour = _COLOURS[finding.state]
            line = Line.assemble((f"[{str(_STATES[finding.state]).center(5)}]", f"bold {colour}"), " ")
            line.append(f"{finding.name}: ", "bold")
            line.append(str(finding.says))
            if finding.do is not None:
                line.append(f" → {finding.do}")
            lines.append(line)
        return Group(*lines, Line(self.conclusion, "bold"))

    def _repr_html_(self) -> str:
        rows = "".join(
            f'<li><strong style="color:{_COLOURS[finding.state]}">■</strong> '
            f"<strong>{_STATES[finding.state]}</strong> · {html.escape(str(finding.name))}: "
            f"{sentence_html(finding.says)}"
            + (f" → <strong>{sentence_html(finding.do)}</strong>" if finding.do is not None else "")
            + "</li>"
            for finding in self
        )
        return (
            f'<div class="wslab wslab-doctor" lang="{current_language()}"><style>{stylesheet()}'
            ".wslab-doctor{padding:4px 12px}.wslab.wslab-doctor ul{list-style:none;padding:0;margin:0}"
            ".wslab-doctor li{margin:4px 0;overflow-wrap:anywhere}</style>"
            f"<ul>{rows}</ul><p><strong>{html.escape(self.conclusion)}</strong></p></div>"
        )


def doctor() -> Report:
    """Try everything that the course needs, from the Python version to the way from the browser to a server.

    Takes a second or two. Nothing is changed, and nothing outside this machine is asked.

    Returns:
        One finding for each question, in the order in which to mend them.
    """
    report = Report()
    for name, check in (
        (_PYTHON, python_version),
        (_PACKAGES, packages),
        (_NEST, nested_loops),
        (_LOOP, event_loop),
        (_PROXY, proxies),
        (_PORT, free_port),
    ):
        report.extend(_guarded(name, check))
    with _demo_server() as server:
        report.extend(_guarded(_HANDSHAKE, lambda: handshake(server)))
        report.extend(_guarded(_FOLDER, writable_folder))
        report.extend(_guarded(_BROWSER, lambda: browser_reach(server)))
    return report


def _guarded(name: Text, check: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    """What a check found; a check that fails by itself is a finding too."""
    try:
        found = check()
        return [found] if isinstance(found, Finding) else list(found)
    except Exception as error:  # the doctor's own fault must not hide the other findings
        return [Finding(name, State.PROBLEM, _plain(f"{type(error).__name__}: {error}"), _TELL_US)]


def _plain(text: str) -> Text:
    return Text.of(" ".join(text.split()))


def _filled(text: Text, **values: object) -> Text:
    return Text(**{language: text.into(language).format(**values) for language in text.languages})


_TELL_US = Text(
    en="this check itself failed; please report this line",
    tr="denetimin kendisi başarısız oldu; lütfen bu satırı bildirin",
)

# Python

_PYTHON = Text(en="Python", tr="Python")
_PYTHON_IS = Text(en="{version}", tr="{version}")
_PYTHON_OTHER = Text(
    en="{version}, but the course was written for {oldest} to {newest}",
    tr="{version}; kurs ise {oldest}–{newest} sürümleri için yazıldı",
)
_PYTHON_DO = Text(
    en="start the course with a Python of its own: uvx --python {newest} wslab lab (in a checkout: install Python "
    "{newest}, then make install PYTHON=python{newest})",
    tr="kursu kendi Python'uyla başlatın: uvx --python {newest} wslab lab (depoda: Python {newest} kurup "
    "make install PYTHON=python{newest})",
)


def python_version(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Whether this Python is one that the course was written for."""
    text = ".".join(map(str, version))
    if OLDEST <= version[:2] <= NEWEST:
        return Finding(_PYTHON, State.OK, _filled(_PYTHON_IS, version=text))
    names = {"oldest": ".".join(map(str, OLDEST)), "newest": ".".join(map(str, NEWEST))}
    return Finding(_PYTHON, State.PROBLEM, _filled(_PYTHON_OTHER, version=text, **names), _filled(_PYTHON_DO, **names))


# Packages

_PACKAGES = Text(en="Packages", tr="Paketler")
_PACKAGES_OK = Text(
    en="{count} packages, each in the range that the course was written for",
    tr="{count} paketin her biri kursun yazıldığı sürüm aralığında",
)
_MISSING = Text(en="{name} is missing", tr="{name} eksik")
_DIFFERENT = Text(
    en="{name} is {version}, the course needs {wanted}", tr="{name} sürümü {version}; kursa {wanted} gerekiyor"
)
_INSTALL = Text(en="run: {python} -m pip install {wanted}", tr="çalıştırın: {python} -m pip install {wanted}")
_NO_METADATA = Text(
    en="wslab itself is not installed, so its list of packages can't be read",
    tr="wslab'in kendisi kurulu değil, bu yüzden paket listesi okunamıyor",
)
_INSTALL_SELF = Text(
    en="run in the course's folder: {python} -m pip install -e .",
    tr="kursun klasöründe çalıştırın: {python} -m pip install -e .",
)


def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def packages(
    requirements: Iterable[str] | None = None, installed: Callable[[str], str | None] = _installed
) -> Iterator[Finding]:
    """Each needed package against the version that the course's pyproject asks for."""
    from packaging.requirements import Requirement

    if requirements is None:
        try:
            requirements = importlib.metadata.requires("wslab") or ()
        except importlib.metadata.PackageNotFoundError:
            yield Finding(_PACKAGES, State.PROBLEM, _NO_METADATA, _filled(_INSTALL_SELF, python=_python()))
            return
    count = 0
    wrong = False
    for requirement in map(Requirement, requirements):
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        count += 1
        version = installed(requirement.name)
        if version is not None and requirement.specifier.contains(version, prereleases=True):
            continue
        wrong = True
        wanted = str(requirement.specifier)
        says = (
            _filled(_MISSING, name=requirement.name)
            if version is None
            else _filled(_DIFFERENT, name=requirement.name, version=version, wanted=wanted)
        )
        command = _filled(_INSTALL, python=_python(), wanted=f'"{requirement.name}{wanted}"')
        yield Finding(_PACKAGES, State.PROBLEM, says, command)
    if not wrong:
        yield Finding(_PACKAGES, State.OK, _filled(_PACKAGES_OK, count=count))


def _python() -> str:
    """The interpreter as one types it: quoted where its path has a space."""
    return f'"{sys.executable}"' if " " in sys.executable else sys.executable or "python"


# nest_asyncio

_NEST = Text(en="asyncio", tr="asyncio")
_NEST_NOT = Text(
    en="as Python ships it; top-level await is all that the notebooks need",
    tr="Python'la geldiği gibi; not defterlerine en üst düzeydeki await yetiyor",
)
_NEST_HARMLESS = Text(
    en="patched by nest_asyncio, in a way that servers survive",
    tr="nest_asyncio ile yamalanmış; sunucular bundan etkilenmiyor",
)
_NEST_TRAP = Text(
    en="patched by an old nest_asyncio whose asyncio.run() does not know loop_factory, so uvicorn.run() fails",
    tr="eski bir nest_asyncio ile yamalanmış; onun asyncio.run() fonksiyonu loop_factory tanımadığından uvicorn.run() "
    "hata veriyor",
)
_NEST_TASKS = Text(
    en="patched by an old nest_asyncio whose tasks Python 3.14 does not know: asyncio.timeout(), wait_for() and "
    "TaskGroup fail in them, and serve() cannot start",
    tr="eski bir nest_asyncio ile yamalanmış; Python 3.14 onun görevlerini tanımıyor: bu görevlerde asyncio.timeout(), "
    "wait_for() ve TaskGroup hata veriyor, serve() da başlayamıyor",
)
_NEST_DO = Text(
    en="restart the kernel and don't call nest_asyncio.apply(); if you must, use nest_asyncio2",
    tr="çekirdeği yeniden başlatın ve nest_asyncio.apply() çağırmayın; şartsa nest_asyncio2 kullanın",
)


def nested_loops(run: Callable[..., Any] | None = None, version: tuple[int, ...] | None = None) -> Finding:
    """Whether `asyncio.run` is patched in a way that breaks servers.

    nest_asyncio 1.6 does not know `loop_factory`, which uvicorn passes on Python 3.12 and later, and replaces asyncio's
    tasks by ones that `asyncio.current_task()` of Python 3.14 does not see. nest_asyncio2 does neither there.
    """
    run = asyncio.run if run is None else run
    version = tuple(sys.version_info[:2]) if version is None else version
    if getattr(run, "__module__", "").startswith("asyncio"):
        return Finding(_NEST, State.OK, _NEST_NOT)
    if version >= (3, 12) and "loop_factory" not in inspect.signature(run).parameters:
        return Finding(_NEST, State.PROBLEM, _NEST_TASKS if version >= (3, 14) else _NEST_TRAP, _NEST_DO)
    return Finding(_NEST, State.OK, _NEST_HARMLESS)


# The event loop

_LOOP = Text(en="Event loop", tr="Olay döngüsü")
_LOOP_IS = Text(en="{kind}", tr="{kind}")
_LOOP_UVLOOP = Text(
    en="{kind}; the course's servers bring their own loop, but record(…, here=True) can't film this one",
    tr="{kind}; kursun sunucuları kendi döngülerini getirir, ama record(…, here=True) bu döngüyü kaydedemez",
)
_LOOP_PROACTOR = Text(
    en="{kind}; the course's servers bring their own loop, but record(…, here=True) can't see this one idle",
    tr="{kind}; kursun sunucuları kendi döngülerini getirir, ama record(…, here=True) bu döngünün boşta kaldığı anları "
    "göremez",
)


def event_loop(loop: asyncio.AbstractEventLoop | None = None) -> Finding:
    """Of which type the loop of this kernel or this Python is."""
    if loop is None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            loop = asyncio.new_event_loop()
            loop.close()
    kind = f"{type(loop).__module__}.{type(loop).__name__}"
    if "uvloop" in kind:
        return Finding(_LOOP, State.NOTE, _filled(_LOOP_UVLOOP, kind=kind))
    if not isinstance(loop, asyncio.SelectorEventLoop):
        return Finding(_LOOP, State.NOTE, _filled(_LOOP_PROACTOR, kind=kind))
    return Finding(_LOOP, State.OK, _filled(_LOOP_IS, kind=type(loop).__name__.lstrip("_")))


# Proxies

_PROXY = Text(en="Network proxy", tr="Ağ vekil sunucusu")
_PROXY_NONE = Text(en="none set", tr="ayarlanmamış")
_PROXY_BYPASSED = Text(
    en="{proxy} is set, but not for this machine's own addresses",
    tr="{proxy} ayarlı, ama bu makinenin kendi adresleri için kullanılmıyor",
)
_PROXY_CATCHES = Text(
    en="{proxy} would also get the connections to {hosts}, which are this very machine",
    tr="{proxy}, bu makinenin kendisi olan {hosts} bağlantılarını da alırdı",
)
_PROXY_DO = Text(
    en="set NO_PROXY=127.0.0.1,localhost before you start JupyterLab",
    tr="JupyterLab'i başlatmadan önce NO_PROXY=127.0.0.1,localhost ayarlayın",
)


def proxies(configured: Mapping[str, str] | None = None, bypassed: Callable[[str], bool] | None = None) -> Finding:
    """Whether a proxy of the environment would catch connections to 127.0.0.1 or localhost.

    websockets and httpx both take their proxy from there (`urllib.request.getproxies()`).
    """
    found = urllib.request.getproxies() if configured is None else configured
    bypass = _bypassed if bypassed is None else bypassed
    names = ("ws", "wss", "socks", "all", "http", "https")
    caught = next((found[name] for name in names if found.get(name)), None)
    if caught is None:
        return Finding(_PROXY, State.OK, _PROXY_NONE)
    proxy = re.sub(r"//[^/@]*@", "//", caught)  # never show a password
    hosts = [host for host in ("127.0.0.1", "localhost") if not bypass(host)]
    if not hosts:
        return Finding(_PROXY, State.OK, _filled(_PROXY_BYPASSED, proxy=proxy))
    return Finding(_PROXY, State.PROBLEM, _filled(_PROXY_CATCHES, proxy=proxy, hosts=", ".join(hosts)), _PROXY_DO)


def _bypassed(host: str) -> bool:
    return bool(urllib.request.proxy_bypass(f"{host}:8000"))


# A port

_PORT = Text(en="A free port", tr="Boş bağlantı noktası")
_PORT_OK = Text(en="127.0.0.1:{port}", tr="127.0.0.1:{port}")
_PORT_TAKEN = Text(
    en="127.0.0.1:{port}; but {taken} of the document is in use, and a server that asks for it will say so",
    tr="127.0.0.1:{port}; ama belgenin kullandığı {taken} dolu, onu isteyen sunucu bunu söyleyecek",
)
_PORT_NONE = Text(
    en="127.0.0.1 gives no port ({why}), so no server can start",
    tr="127.0.0.1 bağlantı noktası vermiyor ({why}), bu yüzden hiçbir sunucu başlayamaz",
)
_PORT_DO = Text(
    en="close programs that hold many connections, or let this program listen in your firewall",
    tr="çok sayıda bağlantı tutan programları kapatın ya da güvenlik duvarında bu programın dinlemesine izin verin",
)


def free_port(ports: Iterable[int] = DOCUMENT_PORTS) -> Finding:
    """Whether 127.0.0.1 gives a port, and whether the document's own ports are free."""
    try:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            probe.listen(1)
            port = probe.getsockname()[1]
    except OSError as error:
        return Finding(_PORT, State.PROBLEM, _filled(_PORT_NONE, why=error.strerror or error), _PORT_DO)
    taken = [str(wanted) for wanted in ports if _answers(wanted)]
    if taken:
        return Finding(_PORT, State.NOTE, _filled(_PORT_TAKEN, port=port, taken=", ".join(taken)))
    return Finding(_PORT, State.OK, _filled(_PORT_OK, port=port))


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


# A handshake

_HANDSHAKE = Text(en="A real handshake", tr="Gerçek bir el sıkışma")
_HANDSHAKE_OK = Text(
    en="a server in a thread and a client said “{reply}” over a WebSocket",
    tr="iş parçacığındaki sunucu ile bir istemci WebSocket üzerinden “{reply}” dedi",
)
_HANDSHAKE_FAILED = Text(
    en="a client did not reach a server on this very machine ({why})",
    tr="bir istemci bu makinedeki sunucuya ulaşamadı ({why})",
)
_HANDSHAKE_DO = Text(
    en="look at the proxy line first; else a firewall or an antivirus program stands between: let Python listen on "
    "127.0.0.1",
    tr="önce vekil sunucu satırına bakın; orada sorun yoksa arada bir güvenlik duvarı ya da virüs koruma programı var: "
    "Python'un 127.0.0.1 üzerinde dinlemesine izin verin",
)
_NO_SERVER = Text(en="the server did not start: {why}", tr="sunucu başlamadı: {why}")
_NO_SERVER_DO = Text(en="mend the lines above first", tr="önce yukarıdaki satırları düzeltin")

_GREETING = "Merhaba"
_REPLY = f"Mesajınız: {_GREETING}"
_PAGE = "wslab doctor"


@contextlib.contextmanager
def _demo_server() -> Iterator[Server | Exception]:
    """A server that echoes; or what kept it from starting."""
    try:
        from wslab.serving import serve

        server = serve(_echo, name="doctor")
    except Exception as error:  # a missing package, no port: it becomes a finding
        yield error
        return
    try:
        yield server
    finally:
        server.stop()


async def _echo(scope: Mapping[str, Any], receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
    """The smallest ASGI app that answers a GET and echoes on a WebSocket (ASGI specification 3.0)."""
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": _PAGE.encode()})
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": f"Mesajınız: {message['text']}"})
    else:
        raise NotImplementedError  # no lifespan


def handshake(server: Server | Exception, deadline: float = 5.0) -> Finding:
    """Whether a plain websockets client, as the notebooks use it, gets its echo within `deadline` seconds."""
    if isinstance(server, Exception):
        why = f"{type(server).__name__}: {server}"
        return Finding(_HANDSHAKE, State.PROBLEM, _filled(_NO_SERVER, why=why), _NO_SERVER_DO)
    from websockets.exceptions import WebSocketException
    from websockets.sync.client import connect

    try:
        with connect(f"{server.ws_url}/ws", open_timeout=deadline, close_timeout=1) as client:
            client.send(_GREETING)
            reply = client.recv(timeout=deadline)
    except (OSError, WebSocketException, ImportError) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        return Finding(_HANDSHAKE, State.PROBLEM, _filled(_HANDSHAKE_FAILED, why=why), _HANDSHAKE_DO)
    if reply != _REPLY:
        return Finding(_HANDSHAKE, State.PROBLEM, _filled(_HANDSHAKE_FAILED, why=repr(reply)), _HANDSHAKE_DO)
    return Finding(_HANDSHAKE, State.OK, _filled(_HANDSHAKE_OK, reply=reply))


# The folder

_FOLDER = Text(en="Progress folder", tr="İlerleme klasörü")
_FOLDER_OK = Text(en="{folder}", tr="{folder}")
_FOLDER_BAD = Text(en="{folder} can't be written ({why})", tr="{folder} klasörüne yazılamıyor ({why})")
_FOLDER_DO = Text(
    en="make it writable, or set WSLAB_HOME to a folder that is; without it the lessons run, but nothing is kept",
    tr="yazılabilir yapın ya da WSLAB_HOME değişkenine yazılabilir bir klasör verin; bu olmadan dersler çalışır, ama "
    "hiçbir şey saklanmaz",
)


def writable_folder(folder: Path | None = None) -> Finding:
    """Whether the folder of the progress file takes a file; what has to be made for the trial is removed again."""
    folder = home() if folder is None else folder
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    trial = folder / f"doctor-{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.write_text("written by wslab doctor", encoding="utf-8")
        trial.unlink()
    except OSError as error:
        found = _filled(_FOLDER_BAD, folder=folder, why=error.strerror or error)
        return Finding(_FOLDER, State.PROBLEM, found, _FOLDER_DO)
    finally:
        for parent in made:
            with contextlib.suppress(OSError):
                parent.rmdir()
    return Finding(_FOLDER, State.OK, _filled(_FOLDER_OK, folder=folder))


# The browser

_BROWSER = Text(en="From the browser to a server", tr="Tarayıcıdan sunucuya")
_REACH_STRAIGHT = Text(
    en="straight, since JupyterLab runs on this machine ({url})",
    tr="doğrudan, çünkü JupyterLab bu makinede çalışıyor ({url})",
)
_REACH_BOTH = Text(
    en="straight if the browser is on this machine, else through {url}proxy/…, which answers",
    tr="tarayıcı bu makinedeyse doğrudan, değilse yanıt verdiği denenen {url}proxy/… üzerinden",
)
_REACH_PROXY = Text(
    en="through {url}proxy/…, which answers; close codes don't pass it, so lessons on them use Python clients",
    tr="yanıt verdiği denenen {url}proxy/… üzerinden; kapatma kodları oradan geçmez, bu yüzden o dersler Python "
    "istemcileri kullanır",
)
_REACH_UNTRIED = Text(
    en="through {url}proxy/… (jupyter-server-proxy is installed; trying it from here is not allowed)",
    tr="{url}proxy/… üzerinden (jupyter-server-proxy kurulu; buradan denemeye izin yok)",
)
_REACH_NONE = Text(
    en="the browser is on another machine, and {url}proxy/… does not answer ({why})",
    tr="tarayıcı başka bir makinede ve {url}proxy/… yanıt vermiyor ({why})",
)
_REACH_DO = Text(
    en="install jupyter-server-proxy where JupyterLab itself runs, and restart JupyterLab",
    tr="jupyter-server-proxy paketini JupyterLab'in çalıştığı ortama kurun ve JupyterLab'i yeniden başlatın",
)
_REACH_NOT_YET = Text(
    en="no JupyterLab is running yet; `wslab lab` starts one, and then this can be tried",
    tr="çalışan bir JupyterLab yok; `wslab lab` bir tane başlatır, o zaman denenebilir",
)
_NO_ANSWER = Text(en="no server to reach", tr="ulaşılacak sunucu yok")


@dataclass(frozen=True, slots=True)
class Jupyter:
    """A Jupyter server that runs on this machine, as its own record says.

    Attributes:
        url: its address with its base URL, ending in a slash.
        token: what it asks for.
        pid: its process.
    """

    url: str
    token: str = ""
    pid: int | None = None


def running_jupyters() -> tuple[Jupyter, ...]:
    """The Jupyter servers of this user on this machine."""
    from jupyter_server.serverapp import list_running_servers

    found = []
    for record in list_running_servers():
        url = str(record.get("url", ""))
        if urlsplit(url).scheme in ("http", "https"):
            found.append(Jupyter(url.rstrip("/") + "/", str(record.get("token", "")), record.get("pid")))
    return tuple(found)


def is_remote(environ: Mapping[str, str]) -> bool:
    """Whether the browser is, by what the environment says, on another machine than the kernel."""
    signs = ("JUPYTERHUB_SERVICE_PREFIX", "BINDER_SERVICE_HOST", "CODESPACES", "SSH_CONNECTION", "COLAB_RELEASE_TAG")
    return any(environ.get(sign) for sign in signs)


def browser_reach(
    server: Server | Exception,
    environ: Mapping[str, str] | None = None,
    jupyters: tuple[Jupyter, ...] | None = None,
    through: Callable[[Jupyter, int], str] | None = None,
) -> Finding:
    """Which way leads from the browser to a server of the kernel, tried where it can be tried.

    Args:
        server: a running server, or why there is none.
        environ: the environment.
        jupyters: the Jupyter servers to look at.
        through: asks a Jupyter server for the page of a port through its proxy, and returns "" if that worked,
            "denied" if it was not allowed to ask, or else why it failed.
    """
    environ = os.environ if environ is None else environ
    jupyters = running_jupyters() if jupyters is None else jupyters
    through = _through_proxy if through is None else through
    remote = is_remote(environ)
    ours = _ours(jupyters, environ)
    prefix = environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    if ours is None and not prefix:
        return Finding(_BROWSER, State.NOTE if remote else State.OK, _REACH_NOT_YET)
    url = prefix or (urlsplit(ours.url).path if ours is not None else "/")
    if isinstance(server, Exception):
        return Finding(_BROWSER, State.PROBLEM, _NO_ANSWER, _NO_SERVER_DO)
    failed = "denied" if ours is None else through(ours, server.port)
    if not failed:
        return Finding(_BROWSER, State.OK, _filled(_REACH_PROXY if remote else _REACH_BOTH, url=url))
    if failed == "denied" and remote and _installed("jupyter-server-proxy"):
        return Finding(_BROWSER, State.OK, _filled(_REACH_UNTRIED, url=url))
    if remote:
        return Finding(_BROWSER, State.PROBLEM, _filled(_REACH_NONE, url=url, why=failed), _REACH_DO)
    return Finding(_BROWSER, State.OK, _filled(_REACH_STRAIGHT, url=url if ours is None else ours.url))


def _ours(jupyters: tuple[Jupyter, ...], environ: Mapping[str, str]) -> Jupyter | None:
    """The Jupyter server that started this kernel (its process is in JPY_PARENT_PID), else the only one there is."""
    parent = environ.get("JPY_PARENT_PID", "")
    for jupyter in jupyters:
        if parent and str(jupyter.pid) == parent:
            return jupyter
    return jupyters[0] if jupyters else None


def _through_proxy(jupyter: Jupyter, port: int) -> str:
    import httpx

    headers = {"Authorization": f"token {jupyter.token}"} if jupyter.token else {}
    try:
        # The address is this machine's own, so no proxy of the environment has a say, and its certificate is its own.
        reply = httpx.get(f"{jupyter.url}proxy/{port}/", headers=headers, timeout=3, trust_env=False, verify=False)
    except httpx.HTTPError as error:
        return " ".join(f"{type(error).__name__}: {error}".split())
    if reply.status_code == 200 and reply.text == _PAGE:
        return ""
    return "denied" if reply.status_code in (302, 401, 403) else f"HTTP {reply.status_code}"
