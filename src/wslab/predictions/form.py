"""The card on which a learner predicts, as a Jupyter widget. It only shows and passes on; it decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib import resources
from typing import Any

import anywidget
import traitlets

from wslab.picture import BLUE, stylesheet
from wslab.predictions.cards import CSS

_FORM_CSS = f"""
.wslab-form fieldset{{border:0;margin:0;padding:0;min-width:0}}
.wslab-form legend{{padding:0;margin:0 0 6px;max-width:100%;white-space:normal}}
.wslab-form legend span{{display:block}}
.wslab-form .wslab-option{{display:flex;gap:10px;align-items:baseline;padding:4px 8px;cursor:pointer;
 border:1px solid transparent;border-radius:6px}}
.wslab-form .wslab-option:hover{{background:var(--panel)}}
.wslab-form .wslab-option input{{flex:none;width:16px;height:16px;margin:0;transform:translateY(2px);
 accent-color:var(--focus)}}
.wslab-form fieldset:disabled .wslab-option{{cursor:default;background:none}}
.wslab-form .wslab-chosen{{border-color:{BLUE};font-weight:600}}
.wslab-form .wslab-free{{display:flex;flex-wrap:wrap;gap:8px;align-items:center;padding:4px 0}}
.wslab-form .wslab-free input{{font:inherit;color:var(--ink);background:var(--paper);padding:4px 8px;width:12em;
 border:1px solid var(--quiet);border-radius:6px}}
.wslab-form .wslab-free input:disabled{{background:var(--panel);opacity:1}}
.wslab-form .wslab-actions{{display:flex;flex-wrap:wrap;gap:8px;margin:8px 0 0}}
.wslab-form .wslab-sure{{font-weight:600;border-color:var(--focus)}}
.wslab-form .wslab-says{{margin:8px 0 0;font-size:14px;color:var(--quiet);min-height:1.4em}}
.wslab-form .wslab-says.wslab-error{{color:var(--ink);font-weight:600}}
.wslab-form [hidden]{{display:none}}
"""


class PredictionForm(anywidget.AnyWidget):
    """Shows `view`, a dictionary as `asking` composes it, and calls `on_answer` with what the learner gave.

    Args:
        view: what to show.
        on_answer: called with this form and the answer as typed or chosen, or None for a skip.
        on_next: called with this form when the next question is wanted, where there are several.
        on_choice: called with this form and what is chosen or typed on it, before the learner is sure.
    """

    _esm = resources.files("wslab.predictions").joinpath("form.js").read_text(encoding="utf-8")
    _css = stylesheet() + CSS + _FORM_CSS
    view = traitlets.Dict().tag(sync=True)

    def __init__(
        self,
        view: dict[str, Any],
        on_answer: Callable[[PredictionForm, str | None], None],
        on_next: Callable[[PredictionForm], None] | None = None,
        on_choice: Callable[[PredictionForm, str], None] | None = None,
    ) -> None:
        super().__init__(view=view)
        self._on_answer = on_answer
        self._on_next = on_next
        self._on_choice = on_choice
        self.on_msg(self._receive)

    def _receive(self, _widget: object, content: object, _buffers: object) -> None:
        if not isinstance(content, dict):
            return
        if content.get("do") == "skip":
            self._on_answer(self, None)
        elif content.get("do") == "answer":
            self._on_answer(self, str(content.get("answer", "")))
        elif content.get("do") == "choose" and self._on_choice is not None:
            self._on_choice(self, str(content.get("answer", "")))
        elif content.get("do") == "next" and self._on_next is not None:
            self._on_next(self)


def widget_view(form: PredictionForm) -> dict[str, Any]:
    """The part of a display's bundle that shows the card."""
    view = {"version_major": 2, "version_minor": 0, "model_id": form.model_id}
    return {"application/vnd.jupyter.widget-view+json": view}
