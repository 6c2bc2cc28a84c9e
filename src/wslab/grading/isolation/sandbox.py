"""A learner's process and its isolation: how it is started on this machine, which protections are on, how it ends."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Literal

import psutil  # type: ignore[import-untyped,unused-ignore]

from wslab.grading.isolation import bubblewrap, fresh
from wslab.grading.isolation.confinement import user_of
from wslab.grading.task import Limits, Refused
from wslab.labs.channel import Channel
from wslab.language import Text

Start = Literal["forked", "fresh"]
"""By a fork of a preloaded process, or as a new interpreter."""

STARTS = 6
"""How often one process may start its app: each start takes a listening socket of its own."""

_NO_SANDBOX = Text(
    en="A sandbox was asked for, and there is none here: {why}. Without `--require-sandbox` submissions run in a "
    "process of their own with limits and deadlines; run them so only where you trust who wrote them.",
    tr="Yalıtılmış bir ortam istendi ama burada kurulamıyor: {why}. `--require-sandbox` olmadan teslimler kendi "
    "süreçlerinde, yalnızca sınırlar ve süre kısıtıyla çalışır; böyle ancak yazanlara güveniyorsanız çalıştırın.",
)
_NOT_LINUX = Text(en="it takes Linux", tr="bunun için Linux gerekir")
_NOT_INSTALLED = Text(en="bubblewrap (`bwrap`) is not installed", tr="bubblewrap (`bwrap`) kurulu değil")
_NOT_ALLOWED = Text(
    en="bubblewrap is installed, but this machine allows it no namespaces",
    tr="bubblewrap kurulu, ama bu makine ona ad alanı (namespace) açtırmıyor",
)

_NAMESPACES = (
    Text(
        en="network namespace: no connection leaves the process's own loopback",
        tr="ağ ad alanı (namespace): hiçbir bağlantı sürecin kendi geri döngüsünün dışına çıkmaz",
    ),
    Text(
        en="process namespace: the whole tree ends with its first process",
        tr="süreç ad alanı: ilk süreçle birlikte bütün ağaç sona erer",
    ),
    Text(
        en="mount namespace: no solutions, no other submissions, files read-only",
        tr="bağlama ad alanı: çözümler ve başka teslimler görünmez, dosyalar salt okunur",
    ),
    Text(en="private temporary folder of limited size", tr="boyutu sınırlı, kendine ait geçici klasör"),
    Text(en="no rights: no capabilities, no new privileges", tr="ayrıcalık yok, sonradan da edinilemez"),
)
_LIMITED = (
    Text(en="process of its own, judged from outside", tr="ayrı bir süreç; değerlendirme dışarıdan"),
    Text(en="empty environment", tr="boş ortam değişkenleri"),
    Text(
        en="deadline for each cell and for the whole submission",
        tr="her hücre ve bütün teslim için süre sınırı",
    ),
)
_RLIMITS = Text(
    en="limits on memory, processor time, files and processes",
    tr="bellek, işlemci süresi, dosya ve süreç sınırları",
)
_SWEPT = Text(
    en="every descendant is ended, detached ones too", tr="ayrılmış olanlar dahil bütün alt süreçler kapatılır"
)
_SWEPT_BYMARK = Text(
    en="every process that carries the submission's mark is ended",
    tr="teslimin işaretini taşıyan her süreç kapatılır",
)
_WATCHED = Text(en="memory of the whole tree watched", tr="bütün ağacın belleği izlenir")


_finding_out = threading.Lock()


def namespace_mode() -> str:
    """How bubblewrap makes namespaces here: `"root"`, `"own user"`, or `""` where it cannot; found out by trying."""
    with _finding_out:  # the first submissions come at the same time, and each would try for itself
        return _namespace_mode()


@functools.cache
def _namespace_mode() -> str:
    if not bubblewrap.present():
        return ""
    for how in ("root", "own user") if os.geteuid() == 0 else ("own user",):
        said = bubblewrap.command(Limits(), own_user=how == "own user")
        # The probe also shows that this interpreter runs inside for a user without privileges.
        program = [sys.executable, "-I", "-c", _PROBE]
        done = subprocess.run([*said, *program], capture_output=True, timeout=60, check=False)
        if done.returncode == 0 and done.stdout == b"ok":
            return how
    return ""


_PROBE = f"""
import os
if os.getuid() == 0:
    os.setgroups([]); os.setresgid(*[{user_of(0)}] * 3); os.setresuid(*[{user_of(0)}] * 3)
import socket, wslab.errors
open("/tmp/probe", "w").close()
s = socket.create_server(("127.0.0.1", 0)); socket.create_connection(s.getsockname()).close()
print("ok", end="")
"""


def protections() -> tuple[Text, ...]:
    """What keeps a submission apart on this machine, in plain words."""
    on = list(_LIMITED)
    if sys.platform != "win32":
        on.append(_RLIMITS)
    if namespace_mode():
        return (*_NAMESPACES, *on, _WATCHED)
    return (*on, _SWEPT, _WATCHED) if sys.platform == "linux" else (*on, _SWEPT_BYMARK)


def require() -> None:
    """Make sure that submissions are kept apart from the machine.

    Raises:
        Refused: they cannot be; the message says why.
    """
    if not namespace_mode():
        why = _NOT_LINUX if sys.platform != "linux" else _NOT_ALLOWED if bubblewrap.present() else _NOT_INSTALLED
        raise Refused(_NO_SANDBOX, why=why)


# The listening sockets, made by the grader


@dataclass(slots=True)
class ListeningSockets:
    """Listening sockets for one learner's process, which inherits them and does not see their paths.

    Attributes:
        addresses: where the judge connects, one for each start of the app.
        listeners: the sockets; the grader closes its copies once they are handed over.
    """

    addresses: list[tuple[str, int] | str] = field(default_factory=list)
    listeners: list[socket.socket] = field(default_factory=list)
    _folder: str = ""

    @classmethod
    def make(cls) -> ListeningSockets:
        """Make them: Unix sockets where there are any, else ports of 127.0.0.1."""
        sockets = cls()
        unix = hasattr(socket, "AF_UNIX") and sys.platform != "win32"
        if unix:
            # A Unix socket's path may have 104 bytes, on Linux 108; macOS' own temporary folder is a long one.
            parent = None if len(os.fsencode(tempfile.gettempdir())) < 80 else "/tmp"
            sockets._folder = tempfile.mkdtemp(prefix="wslab-", dir=parent)
        for number in range(STARTS):
            if unix:
                sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                sock.bind(f"{sockets._folder}/{number}")
                sock.listen(2048)
                sockets.addresses.append(f"{sockets._folder}/{number}")
            else:
                sock = socket.create_server(("127.0.0.1", 0), backlog=2048)
                sockets.addresses.append(sock.getsockname()[:2])
            sockets.listeners.append(sock)
        return sockets

    def hand_over(self) -> None:
        """Close the grader's copies: from now on only the learner's process listens."""
        for sock in self.listeners:
            sock.close()

    def remove(self) -> None:
        """Close everything and leave nothing on the disk."""
        self.hand_over()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


# The process


class Confined:
    """A learner's process and its process tree.

    Attributes:
        channel: to it and back.
        folder: where its cells work, as it is called inside: a temporary folder, of limited size in namespaces.
        runs_commands: whether shell commands of its cells run: only where they can't reach other processes.
        addresses: where its app can be reached, one for each start.
    """

    def __init__(self, limits: Limits, start: Start | None = None) -> None:
        """Start it.

        Args:
            limits: what it may use up.
            start: how; by whatever is quickest here, if left out.
        """
        if start is None:
            start = "forked" if sys.platform == "linux" else "fresh"
        if start == "forked":
            _forker.preload()  # it imports while `namespace_mode()` makes its first try
        self.runs_commands = bool(namespace_mode())
        self._folder = "" if self.runs_commands else tempfile.mkdtemp(prefix="wslab-")
        self.folder = self._folder or "/tmp"
        self._sockets = ListeningSockets.make()
        ours, theirs = socket.socketpair()
        self.channel = Channel(ours, bound=limits.output)
        self.addresses = self._sockets.addresses
        try:
            launch = _forked if start == "forked" else _fresh
            self._tree: _Guarded | fresh.Fresh = launch(_bearable(limits), [theirs, *self._sockets.listeners])
        except BaseException:
            self.channel.close()
            self._remove_files()
            raise
        finally:
            theirs.close()
        self._sockets.hand_over()

    @property
    def ended(self) -> bool:
        """Whether the learner's process has ended by itself."""
        return self._tree.ended

    @property
    def too_much_memory(self) -> bool:
        """Whether it was ended because of the memory that it took."""
        return self._tree.too_much_memory

    def kill(self) -> None:
        """End it and all that it has started; return when nothing of it is left."""
        self.channel.close()
        self._tree.kill()
        self._remove_files()

    def _remove_files(self) -> None:
        self._sockets.remove()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)


def _bearable(limits: Limits) -> Limits:
    """The limits; without namespaces the kernel counts every process of this user, so these are added."""
    return limits if namespace_mode() else replace(limits, processes=limits.processes + _threads_of_this_user())


@functools.cache
def _threads_of_this_user() -> int:
    me = psutil.Process().username()
    count = 0
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            count += process.num_threads() if process.username() == me else 0
    return 2 * count + 200


# By a fork


class _Guarded:
    """A forked process; its guardian ends it."""

    def __init__(self, life: socket.socket) -> None:
        self._life = life
        self._said = b""

    def _listen(self, within: float) -> None:
        from wslab.grading.isolation.forking import GONE

        until = time.monotonic() + within
        while GONE not in self._said:
            self._life.settimeout(max(0.0, until - time.monotonic()) or 1e-6)
            try:
                data = self._life.recv(16)
            except (TimeoutError, BlockingIOError):
                return
            except OSError:
                data = b""
            self._said += data or GONE

    @property
    def ended(self) -> bool:
        self._listen(0)
        return bool(self._said)

    @property
    def too_much_memory(self) -> bool:
        from wslab.grading.isolation.forking import MEMORY

        self._listen(0)
        return MEMORY in self._said

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            self._life.send(b"k")
        self._listen(30.0)
        self._life.close()


class _Forker:
    """This process's own preloaded process, started when it is first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._requests: socket.socket | None = None

    def preload(self) -> None:
        """Start it; it imports what submissions need."""
        with self._lock:
            self._keep_running()

    def start(self, limits: Limits, sockets: list[socket.socket]) -> _Guarded:
        from wslab.grading.isolation.forking import request

        ours, theirs = socket.socketpair()
        try:
            message = request(namespace_mode(), limits)
            with self._lock:
                self._keep_running()
                assert self._requests is not None
                socket.send_fds(self._requests, [message], [theirs.fileno(), *(one.fileno() for one in sockets)])
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return _Guarded(ours)

    def _keep_running(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        self.close()
        self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "wslab.grading.isolation.forking", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env=fresh.environment(),
                start_new_session=True,
            )

    def close(self) -> None:
        """Let it go; it ends when nobody can ask any more."""
        if self._requests is not None:
            self._requests.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(5)
        self._requests = self._process = None

    def forget(self) -> None:
        """In a forked child: it is the parent's."""
        self.__init__()  # type: ignore[misc]


_forker = _Forker()
atexit.register(_forker.close)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forker.forget)


def _forked(limits: Limits, sockets: list[socket.socket]) -> _Guarded:
    return _forker.start(limits, sockets)


def _fresh(limits: Limits, sockets: list[socket.socket]) -> fresh.Fresh:
    return fresh.start(limits, sockets, namespace_mode())
