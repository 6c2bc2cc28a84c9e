"""What a server looks like in a notebook: its card, and its page in a frame.

The browser may be on another machine than the kernel, so a script asks which way leads to this very server.
"""

from __future__ import annotations

import html
import json
import os
from dataclasses import dataclass
from importlib import resources

from wslab.language import Text, current_language
from wslab.picture import new_id, script_json, sentence_html, stylesheet
from wslab.serving.observing import PROBE_PATH

_OPEN = Text(en="Open in a tab of its own:", tr="Ayrı bir sekmede açın:")
_STALE = Text(
    en="This page shows a running server; run the cell again to see it.",
    tr="Bu sayfa çalışan bir sunucuyu gösterir; görmek için hücreyi yeniden çalıştırın.",
)
_UNREACHABLE = Text(
    en="Your browser does not reach this server. Is it still running? Run the cell that starts it again; if the "
    "notebook runs on another machine, `wslab doctor` says what is missing.",
    tr="Tarayıcınız bu sunucuya ulaşamıyor. Hâlâ çalışıyor mu? Onu başlatan hücreyi yeniden çalıştırın; not defteri "
    "başka bir makinede çalışıyorsa eksik olanı `wslab doctor` söyler.",
)
_PAGE = Text(en="page {path} of the server", tr="sunucunun {path} sayfası")


def base_url() -> str:
    """The base URL of the Jupyter server, for front ends whose page does not say it: `/user/ada/` in a Hub."""
    return os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "/")


def _reach(key: str, url: str, port: int, identity: str, path: str) -> str:
    script = resources.files("wslab.serving").joinpath("reach.js").read_text(encoding="utf-8")
    data = {"url": url, "port": port, "identity": identity, "path": path, "probe": PROBE_PATH, "base": base_url()}
    return f"<script>({script})(document.getElementById({json.dumps(key)}),{script_json(data)})</script>"


def card(name: str, url: str, ws_url: str, port: int, identity: str, state: str, running: bool) -> str:
    """A server as HTML: its name, its state and links that lead to it."""
    key = new_id()
    link = f'<a data-path="/" href="{url}/" target="_blank" rel="noopener">{url}/</a>' if running else url
    reach = _reach(key, url, port, identity, "/") if running else ""
    return (
        f'<div class="wslab wslab-server" id="{key}" lang="{current_language()}"><style>{stylesheet()}'
        ".wslab-server{border-left:4px solid #009E73;padding:4px 12px}</style>"
        f"<strong>{html.escape(name)}</strong> · {html.escape(state)}<br>{link} · "
        f'<code>{ws_url}</code><p class="wslab-unreachable" hidden>{sentence_html(_UNREACHABLE)}</p>{reach}</div>'
    )


@dataclass(frozen=True)
class Page:
    """A page of a running server; as the last expression of a cell it is shown in a frame."""

    url: str
    port: int
    identity: str
    path: str
    height: int

    def __repr__(self) -> str:
        return f"<Page {self.url}{self.path}>"

    def _repr_html_(self) -> str:
        key = new_id()
        path = html.escape(self.path)
        title = html.escape(_PAGE.format(path=self.path))
        return (
            f'<div class="wslab wslab-page" id="{key}" lang="{current_language()}"><style>{stylesheet()}'
            ".wslab-page iframe{width:100%;border:1px solid var(--rule);border-radius:6px;background:#fff}</style>"
            f'<iframe title="{title}" height="{self.height}" hidden></iframe>'
            f'<p class="wslab-unreachable" hidden>{sentence_html(_UNREACHABLE)}</p>'
            f'<p>{_OPEN} <a data-path="{path}" href="{self.url}{path}" target="_blank" rel="noopener">'
            f"{self.url}{path}</a></p>"
            f"<noscript>{_STALE}</noscript>{_reach(key, self.url, self.port, self.identity, self.path)}</div>"
        )
