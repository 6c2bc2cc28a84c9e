"""A listening socket on the wanted port, or a sentence that says why not."""

from __future__ import annotations

import errno
import socket
import struct
import sys

from wslab.language import Text
from wslab.serving.errors import ServerStartError
from wslab.serving.port_holder import holder_here

_BUSY = Text(
    en="Port {port} is taken by another program (another notebook or a server in a terminal?). "
    "Stop it there, or write serve(app) without a port to get a free one.",
    tr="{port} numaralı bağlantı noktası (port) başka bir programda: başka bir not defteri ya da uçbirimdeki bir "
    "sunucu olabilir. Onu orada durdurun ya da bağlantı noktası vermeden serve(app) yazın; boş olan biri seçilir.",
)
_BUSY_HERE = Text(
    en="Port {port} is taken by this very process: {who} listens there. Stop that server first, or write serve(app) "
    "without a port to get a free one.",
    tr="{port} numaralı bağlantı noktası (port) bu sürecin kendisinde: orayı {who} dinliyor. Önce o sunucuyu durdurun "
    "ya da bağlantı noktası vermeden serve(app) yazın; boş olan biri seçilir.",
)
_FORBIDDEN = Text(
    en="This account may not listen on port {port}. Ports below 1024 are reserved; take one above, such as 8000.",
    tr="Bu hesabın {port} numaralı bağlantı noktasını dinleme izni yok. 1024'ten küçükler ayrılmıştır; "
    "8000 gibi daha büyük bir sayı seçin.",
)
_BAD_PORT = Text(
    en="port={port!r} is no port: write a whole number from 0 to 65535; 0 means “any free one”.",
    tr="port={port!r} bir bağlantı noktası değil: 0 ile 65535 arasında bir tam sayı yazın; 0 “boş olan biri” demektir.",
)
_NO_ADDRESS = Text(
    en="host={host!r} is no address of this machine ({reason}). Leave it out to get 127.0.0.1.",
    tr="host={host!r} bu makinenin bir adresi değil ({reason}). Yazmazsanız 127.0.0.1 kullanılır.",
)


def bind(host: str, port: int, send_buffer: int | None = None) -> socket.socket:
    """A socket that listens on `host` and `port` (0: any free one).

    Args:
        host: where.
        port: where.
        send_buffer: bytes to ask for as `SO_SNDBUF` of each connection; the system's own choice if left out.

    Raises:
        ServerStartError: the port is taken, reserved or no port at all, or `host` is not this machine's.
    """
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= 65535:
        raise ServerStartError(_BAD_PORT, port=port)
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ServerStartError(_NO_ADDRESS, host=host, reason=error.strerror or error) from None
    sock = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            # SO_REUSEADDR lets a second program share the port there; this option is what forbids it.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # Listening begins here, not in the thread: from now on nobody else can take the port, and an early
        # client waits instead of being refused.
        sock.listen(2048)
    except OSError as error:
        sock.close()
        if error.errno in (errno.EACCES, errno.EPERM) and sys.platform != "win32":
            raise ServerStartError(_FORBIDDEN, port=port) from None
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            if holder := holder_here(port):
                raise ServerStartError(_BUSY_HERE, port=port, who=holder) from None
            raise ServerStartError(_BUSY, port=port) from None
        raise ServerStartError(_NO_ADDRESS, host=host, reason=error.strerror or error) from None
    if send_buffer is not None:  # accepted sockets take it over from the one that listens
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    return sock


def bind_again(host: str, wanted: int, before: int, send_buffer: int | None = None) -> socket.socket:
    """A socket for a server that may have run before: it keeps its port.

    While it was stopped, another program may have been given that port. Where nobody asked for it, any free one does.

    Args:
        host: where.
        wanted: the port that was asked for; 0 for any free one.
        before: the port at which it listened last, or `wanted`.
        send_buffer: as for `bind`.

    Raises:
        ServerStartError: as `bind` does.
    """
    try:
        return bind(host, before, send_buffer)
    except ServerStartError:
        if wanted == before:
            raise
        return bind(host, wanted, send_buffer)


# Two shorts on Windows, two ints elsewhere: switched on, for 0 seconds.
_NO_LINGER = struct.pack("HH" if sys.platform == "win32" else "ii", 1, 0)


def reset_when_closed(sock: socket.socket) -> None:
    """Let closing this socket send a RST, and no FIN; a Unix socket has neither.

    Raises:
        OSError: it is closed already.
    """
    if sock.family != getattr(socket, "AF_UNIX", None):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
