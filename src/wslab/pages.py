"""The pages of unit 03: the document's page in several versions, which report to the server what they observe."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse

from wslab.errors import LabError
from wslab.language import Text
from wslab.serving import Entry, Server, serve

NO_PAGE = Text(
    en="No page has reported this within a second. If a page is there and you did what the text asks, run this cell "
    "again. Without a browser the notebook goes on.",
    tr="Bir saniye içinde hiçbir sayfa bunu bildirmedi. Sayfa görünüyorsa ve metinde isteneni yaptıysanız bu hücreyi "
    "yeniden çalıştırın. Tarayıcı yoksa not defteri yine de sürer.",
)
_FIXED = "ws://localhost:8000/ws"
_STILL_FIXED = Text(
    en="The page still connects to {address}. Run the cell with `ADDRESS = …` in section 2, then this one.",
    tr="Sayfa hâlâ {address} adresine bağlanıyor. Önce 2. bölümdeki `ADDRESS = …` hücresini, sonra bu hücreyi "
    "çalıştırın.",
)
_REPORT = """
var reporter = new WebSocket(new URL("report/{number}", location.href.replace(/^http/, "ws")));
function report(what, value) {{
    if (reporter.readyState == WebSocket.OPEN) reporter.send(what + ": " + value);
    else reporter.addEventListener("open", () => report(what, value));
}}
"""


class Pages:
    """A chat server with pages beside it; `observed()` makes it.

    Attributes:
        server: where all of it runs.
    """

    def __init__(self, app: FastAPI, html: str) -> None:
        self._html = html
        self._scripts: dict[str, str] = {}
        self._shown: dict[str, str] = {}
        self._number = 0
        app.get("/{name}", response_class=HTMLResponse)(self._page)
        app.websocket("/report/{number}")(_take_reports)
        self.server: Server = serve(app)

    async def _page(self, name: str) -> str:
        return self._shown.get(name, "")

    def show(self, name: str, script: str | None = None, height: int = 220) -> Any:
        """The page in the notebook. Only what it reports counts from now on, and the server's log begins afresh.

        Args:
            name: where it is on the server, `/name`.
            script: JavaScript for the end of the page's own script, with `report(what, value)`; if None, the one that
                this name had before.
            height: of the frame, in pixels.
        """
        if script is not None:
            self._scripts[name] = script
        self._number += 1
        end = _REPORT.format(number=self._number) + self._scripts.get(name, "") + "</script>"
        self._shown[name] = self._html.replace("</script>", end)
        self.server.log.clear()
        return self.server.page(f"/{name}", height)

    async def reported(self, what: str | int, deadline: float = 1) -> str | None:
        """The last value that the page shown last has reported for `what`.

        Args:
            what: the first argument of the page's `report(what, value)`.
            deadline: seconds to wait for it; then a sentence is printed, and None returned.
        """
        start = f"{what}: "
        place = f"/report/{self._number}"

        def fits(entry: Entry) -> bool:
            return entry.connection.endswith(place) and entry.detail.startswith(start)

        try:
            await self.server.log.arrival(fits, deadline)
        except TimeoutError:
            print(NO_PAGE)
            return None
        return [entry.detail for entry in self.server.log.events if fits(entry)][-1].removeprefix(start)


async def _take_reports(websocket: WebSocket) -> None:
    await websocket.accept()
    async for _ in websocket.iter_text():
        await asyncio.sleep(0)  # the log has it


def observed(app: FastAPI, html: str) -> Pages:
    """Serve `app` with pages beside it that are made from `html` and report what they observe.

    Raises:
        LabError: the page still has the document's fixed address, at which nobody answers here.
    """
    if _FIXED in html:
        raise LabError(_STILL_FIXED, address=_FIXED)
    return Pages(app, html)
