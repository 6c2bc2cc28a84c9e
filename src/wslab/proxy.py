"""nginx(): a real nginx in front of one server or several, for the length of a block."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wslab.errors import LabError, NotInstalled
from wslab.keeping import Kept, new_folder
from wslab.language import Text

# Debian's is in a folder that only root has on the path.
_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/local/bin", "/opt/homebrew/bin")
_START_DEADLINE = 20.0
_LOOKS = 0.01
_PORTS = 3
"""How many ports are tried: each was free a moment before."""

# One process: a worker of a master that is killed would go on.
_CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{block}
    server {{
        listen 127.0.0.1:{port};
        location / {{
{lines}
        }}
    }}
}}
"""
_UPSTREAM = """\
    upstream servers {{
{lines}
    }}
"""
_EMERGENCY = re.compile(r"\[emerg\] (?:\d+#\d+: )?(.+?)(?: in \S+:\d+)?$", re.MULTILINE)

_NONE = Text(
    en="nginx is not on this machine, so this was not measured here. `sudo apt install nginx-light` brings it on "
    "Debian and Ubuntu, `brew install nginx` on macOS.",
    tr="Bu makinede nginx yok, bu yüzden burada ölçülmedi. Debian ve Ubuntu'da `sudo apt install nginx-light`, "
    "macOS'ta `brew install nginx` ile gelir.",
)
_REFUSED = Text(
    en="nginx did not start with these lines: {said}",
    tr="nginx bu satırlarla başlamadı: {said}",
)


def _program() -> str | None:
    if sys.platform == "win32":
        return None
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", os.defpath), *_FOLDERS)))


class Nginx:
    """An nginx on 127.0.0.1 that hands requests on as its lines say.

    Attributes:
        url: where it listens: `"http://127.0.0.1:53211"`.
        ws_url: the same for a WebSocket: `"ws://127.0.0.1:53211"`.
        pid: its process.
    """

    def __init__(self, port: int, kept: Kept, software: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.ws_url = f"ws://127.0.0.1:{port}"
        self.pid = kept.pid
        self._kept = kept
        self._software = software

    @property
    def log(self) -> str:
        """What stands in its error log."""
        return self._kept.said

    def __repr__(self) -> str:
        return f"Nginx({self.url}, {self._software})"


@contextmanager
def nginx(lines: str, upstream: str = "") -> Iterator[Nginx]:
    """Start nginx, and end it with the block; it ends with the kernel, too.

    Source: nginx's ngx_http_proxy_module for `lines`, its ngx_http_upstream_module for `upstream`.

    Args:
        lines: what stands in its `location /`, such as `f"proxy_pass {server.url};"`.
        upstream: what stands in its block `upstream servers`, to which `proxy_pass http://servers;` hands requests on,
            such as `f"server {one.host}:{one.port}; server {other.host}:{other.port};"`. Left empty, there is none.

    Raises:
        NotInstalled: there is no nginx on this machine.
        LabError: it does not start with these lines; the sentence says why.
    """
    program = _program()
    if program is None:
        raise NotInstalled(_NONE)
    kept, port = _started(program, lines, upstream)
    try:
        yield Nginx(port, kept, _software(program))
    finally:
        kept.stop()


def _software(program: str) -> str:
    said = subprocess.run([program, "-v"], capture_output=True, text=True, check=False).stderr
    return said.strip().rpartition(" ")[2].replace("/", " ")  # nginx version: nginx/1.22.1


def _started(program: str, lines: str, upstream: str) -> tuple[Kept, int]:
    block = _UPSTREAM.format(lines=_indented(upstream, 8)) if upstream.strip() else ""
    for _ in range(_PORTS):
        port, folder = _free_port(), new_folder("nginx")
        text = _CONFIGURATION.format(folder=folder, port=port, block=block, lines=_indented(lines, 12))
        command = [program, "-p", str(folder), "-e", str(folder / "log"), "-c", str(folder / "nginx.conf")]
        kept = Kept(folder, command, {"nginx.conf": text})
        try:
            kept.start()
            # It writes its number there once it listens.
            until = time.monotonic() + _START_DEADLINE
            while kept.alive and time.monotonic() < until:
                if _holds(folder / "pid"):
                    return kept, port
                time.sleep(_LOOKS)
            said = kept.said
        except BaseException:
            kept.stop()
            raise
        kept.stop()
        if "bind() to" not in said:
            break
    reasons = _EMERGENCY.findall(said)
    raise LabError(_REFUSED, said=reasons[0] if reasons else said.strip() or "–")


def _indented(lines: str, by: int) -> str:
    return textwrap.indent(lines.strip(), " " * by)


def _holds(file: Path) -> bool:
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
