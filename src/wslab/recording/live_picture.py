"""A picture that follows a film while it runs: for the projector."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import Any, Protocol

from wslab import picture
from wslab.language import Text
from wslab.recording import sentences
from wslab.recording.drawing import draw
from wslab.recording.trace import Trace

_LAST = Text(en="live: the last {seconds} s", tr="canlı: son {seconds} saniye")
_PERIOD = 0.5  # seconds; more would cost the filmed program what a watcher does not see
_log = logging.getLogger("wslab.recording")


class Film(Protocol):
    """What a live picture asks of the film that it follows."""

    @property
    def running(self) -> bool:
        """Whether it is being filmed at this moment."""

    @property
    def trace(self) -> Trace:
        """The whole film, while it runs what there is so far."""

    def latest(self, seconds: float) -> Trace:
        """The last `seconds`."""


class LivePicture:
    """A widget with the last seconds of a film, drawn anew twice a second until the film ends.

    As the last expression of a cell it shows itself; without a notebook it is a sentence.

    Args:
        film: the recording; it has begun, and may have ended.
        seconds: how far it looks back.
    """

    def __init__(self, film: Film, seconds: float = 10.0) -> None:
        self.film = film
        self.seconds = seconds
        self._widget: Any = None
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    def picture(self) -> str:
        """The picture of this moment, as HTML: an image with the film's summary as its alternative text."""
        running = self.film.running
        trace = self.film.latest(self.seconds) if running else self.film.trace
        if running:
            title = " · ".join(filter(None, (trace.title, _LAST.format(seconds=f"{self.seconds:g}"))))
            trace = replace(trace, title=title)
        shown = picture.image(draw(trace).svg, sentences.summary(trace))
        return f'<style>{picture.stylesheet()}</style><div class="wslab">{shown}</div>'

    def _follow(self) -> None:
        while True:
            over = self._over.wait(_PERIOD) or not self.film.running
            try:
                self._widget.value = self.picture()
            except Exception:
                _log.exception("the live picture failed and stands still; the film goes on")
                return
            if over:
                return

    def stop(self) -> None:
        """Stand still, with what there is."""
        self._over.set()

    def __repr__(self) -> str:
        return f"<Live view of {self.film!r}>"

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> Any:
        import ipywidgets  # type: ignore[import-untyped]

        if self._widget is None:
            self._widget = ipywidgets.HTML(self.picture())
        if self._thread is None:
            self._thread = threading.Thread(target=self._follow, name="wslab live picture", daemon=True)
            self._thread.start()
        bundle = self._widget._repr_mimebundle_()
        bundle["text/plain"] = sentences.headline(self.film.trace)
        return bundle
