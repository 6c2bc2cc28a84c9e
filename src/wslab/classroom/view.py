"""A piece of HTML in a notebook that is shown anew when what it tells has changed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import resources
from typing import Any

import anywidget
import traitlets

_log = logging.getLogger("wslab.classroom")


class LiveHtml(anywidget.AnyWidget):
    """Shows `html`, which the kernel composes; every word in it that somebody wrote is escaped there."""

    _esm = resources.files("wslab.classroom").joinpath("view.js").read_text(encoding="utf-8")
    html = traitlets.Unicode("").tag(sync=True)


class View:
    """The live output of one object: its widget, composed anew by `refresh()`.

    Args:
        compose: gives the HTML of this moment.
    """

    def __init__(self, compose: Callable[[], str]) -> None:
        self._compose = compose
        self._widget = LiveHtml(html=compose())
        self._works = True

    def refresh(self) -> None:
        """Show what is true now; a fault is logged once and leaves the last picture standing."""
        if not self._works:
            return
        try:
            html = self._compose()
            if html != self._widget.html:
                self._widget.html = html
        except Exception:
            self._works = False
            _log.exception("the live card failed and stands still; the class goes on")

    def bundle(self) -> dict[str, Any]:
        """The widget as part of a mime bundle."""
        return {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self._widget.model_id,
            }
        }
