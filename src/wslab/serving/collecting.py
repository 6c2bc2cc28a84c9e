"""A server's output is collected from the start of the first server to the end of the last one.

Source of the rules that are kept for everybody else: the documentation of `logging`, `warnings` and `threading`.
"""

from __future__ import annotations

import threading

from wslab.serving import displaying, logs, printing, threads
from wslab.serving.switching import ModuleSwitch, Switch

_lock = threading.RLock()
_servers = 0
_switches: tuple[Switch | ModuleSwitch, ...] = (*logs.switches, *threads.switches, *displaying.switches)


def ensure() -> None:
    """Cover the streams that a cell may have put in place of the former ones."""
    with _lock:
        if _servers:
            printing.cover()


def begin() -> None:
    """One more server runs."""
    global _servers
    with _lock:
        _servers += 1
        for switch in _switches:
            switch.put()
        ensure()


def end() -> None:
    """One server fewer; after the last one nothing of this is left."""
    global _servers
    with _lock:
        _servers -= 1
        if _servers:
            return
        printing.uncover()
        for switch in _switches:
            switch.remove()
