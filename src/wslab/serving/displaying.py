"""What a server's code shows by `display()`, as rich's `print` does in a notebook, goes into its log like a print.

An update of what a cell has displayed, `handle.update(…)`, goes where it always goes: to that display.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from wslab.serving.exceptions import place_of_caller
from wslab.serving.ownership import Owner
from wslab.serving.switching import Switch


def _publish(
    owner: Owner, _publisher: Any, publish: Callable[..., Any], data: Mapping[str, Any], *args: Any, **kwargs: Any
) -> None:
    if kwargs.get("update"):
        publish(data, *args, **kwargs)
        return
    if owner.muted:
        return
    text = str(data.get("text/plain") or ", ".join(data))
    for line in text.removesuffix("\n").split("\n"):
        owner.log.add("print", line, connection=owner.connection, place=place_of_caller())


def _clear(_owner: Owner, _publisher: Any, _clear: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
    """Nothing of a server's is shown in a cell, so there is nothing to clear."""


_of_kernels = sys.modules.get("ipykernel.zmqshell")  # a process that is no kernel displays by printing
switches = (
    [
        Switch(_of_kernels.ZMQDisplayPublisher, "publish", _publish),
        Switch(_of_kernels.ZMQDisplayPublisher, "clear_output", _clear),
    ]
    if _of_kernels is not None
    else []
)
