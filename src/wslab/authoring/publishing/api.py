"""The reference of the public names, made by Sphinx from their docstrings."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Mapping, Sequence

from sphinx.ext.napoleon.docstring import GoogleDocstring

from wslab.language import Text
from wslab.recording import Recorder, record

_TITLE = Text(en="Reference of wslab", tr="wslab başvurusu")
_INTRODUCTION = Text(
    en="What `from wslab import …` gives. The text comes from the docstrings; `help(serve)` shows "
    "them in a notebook, too.",
    tr="`from wslab import …` ile gelen adlar. Metinler docstring'lerden gelir ve İngilizcedir; not defterinde "
    "`help(serve)` de aynısını gösterir.",
)
GROUPS: Mapping[Text, Sequence[str]] = {
    Text(en="A server", tr="Sunucu"): (
        "serve",
        "Server",
        "ProcessServer",
        "ServerStartError",
        "servers",
        "hang_up",
        "stop_all",
        "terminal",
        "export",
    ),
    Text(en="Many clients, and a line that fails", tr="Çok sayıda istemci ve kopan bir hat"): (
        "audience",
        "Audience",
        "Outcomes",
        "road",
        "Road",
    ),
    Text(
        en="A broker between processes, a proxy in front", tr="Süreçler arasında mesaj aracısı, önlerinde vekil sunucu"
    ): (
        "broker",
        "Broker",
        "nginx",
        "Nginx",
    ),
    Text(en="A film of the event loop", tr="Olay döngüsünün kaydı"): ("record", "Recording", "compare"),
    Text(en="The bytes on the wire", tr="Hat üzerindeki baytlar"): ("capture", "Capture", "explain"),
    Text(en="Predictions and labs", tr="Tahminler ve alıştırmalar"): (
        "predict",
        "ask_again",
        "check",
        "hint",
        "solution",
        "reset",
        "transcript",
        "progress",
    ),
    Text(en="Class mode", tr="Sınıf kipi"): ("classroom", "Classroom", "Limits"),
    Text(en="The rest", tr="Diğerleri"): ("use", "doctor", "Text", "LabError", "NotInstalled"),
}
"""The public names in the order of the page."""

_WITH_THEIR_BASE = ("Server", "ProcessServer")
"""What they have in common stands in a class of its own, which no notebook names."""

EXTENSIONS = ("sphinx.ext.autodoc", "sphinx.ext.napoleon")
CONFIGURATION = {
    "default_role": "code",  # docstrings write code as Markdown does, between single backticks
    "autodoc_typehints": "description",
    "autodoc_typehints_description_target": "documented_params",
    "autodoc_member_order": "bysource",
    "napoleon_google_docstring": True,
    "napoleon_numpy_docstring": False,
    "napoleon_use_ivar": True,  # attributes as a list, not each as an entry of its own
    "toc_object_entries_show_parents": "hide",
    "add_module_names": False,
    "python_use_unqualified_type_names": True,
}
"""What Sphinx needs for the page, beside the site's own configuration and extensions."""


def page(language: str) -> str:
    """The page as MyST Markdown, in which Sphinx puts the docstrings."""
    parts = [f"# {_TITLE.into(language)}", _INTRODUCTION.into(language)]
    for title, names in GROUPS.items():
        parts += [f"## {title.into(language)}", *(_entry(name) for name in names)]
    return "\n\n".join(parts) + "\n"


def _entry(name: str) -> str:
    if name == "record":  # an object that is called; autodoc would show its class
        said = str(GoogleDocstring(inspect.getdoc(Recorder.__call__) or ""))
        parameters = [each.replace(annotation=each.empty) for each in inspect.signature(record).parameters.values()]
        lines = [f".. py:function:: record{inspect.Signature(parameters)}", "", textwrap.indent(said, "   ")]
    elif name.endswith("Error"):
        lines = [f".. autoexception:: wslab.{name}"]
    elif name[0].isupper():
        lines = [f".. autoclass:: wslab.{name}", "   :members:"]
        if name in _WITH_THEIR_BASE:
            lines.append("   :inherited-members:")
    else:
        lines = [f".. autofunction:: wslab.{name}"]
    return "\n".join(["```{eval-rst}", *lines, "```"])
