"""A real JupyterHub by the recipe in `hub/`: users get what is handed out, each has a server of their own."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import pytest
from playwright.sync_api import expect
from tests.jupyterlab import ROOT, Lab, Notebook, until_it_answers
from tests.ports import free_port
from tests.seed.pages import CHAT_IS_OPEN

from wslab import release

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROXY = shutil.which("configurable-http-proxy") or shutil.which(
    "configurable-http-proxy", path=str(ROOT / "build" / "node" / "node_modules" / ".bin")
)
USERS = ("ada", "bora", "can")
CELLS = [
    """from wslab import seed, serve
from fastapi.responses import HTMLResponse
from wslab.language import use_language
use_language("en")
ADDRESS = 'new URL("ws", location.href.replace(/^http/, "ws"))'
html = seed.fresh("client").html.replace('"ws://localhost:8000/ws"', ADDRESS)
app = seed.fresh("server").app

@app.get("/chat", response_class=HTMLResponse)
async def chat():
    return html""",
    "server = serve(app)\nserver",
    "server.page('/chat', height=320)",
]
CONFIG = """
import sys
c = get_config()
load_subconfig({recipe!r})
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "lab"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = {homes!r} + "/{{username}}"
c.Spawner.args += {arguments!r}
c.Spawner.env_keep = ["PATH"]
c.Spawner.environment |= {environment!r}
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{hub}"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.cookie_secret_file = {folder!r} + "/cookie_secret"
"""


@dataclass(frozen=True)
class Hub:
    """A JupyterHub that runs."""

    url: str
    homes: Path

    def lab(self, user: str) -> Lab:
        return Lab(f"{self.url}/user/{user}/", self.homes / user)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    pytest.importorskip("jupyterhub")
    if PROXY is None:
        if os.environ.get("CI") and shutil.which("npm"):
            pytest.fail("configurable-http-proxy is missing; .ci/run installs it")
        pytest.skip("configurable-http-proxy (npm) is not installed")
    folder = tmp_path_factory.mktemp("hub")
    homes = folder / "homes"
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}},
    )
    for user in USERS:
        (homes / user).mkdir(parents=True)
        nbformat.write(notebook, homes / user / "page.ipynb")
    public, inner, api = (free_port() for _ in range(3))
    release.release(ROOT, folder / "course.zip", "00-01,L1", "en")
    options = ["--LabApp.expose_app_in_browser=True"]
    options += ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    own = {"JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data")}
    own["WSLAB_RELEASE"] = str(folder / "course.zip")
    config = CONFIG.format(
        recipe=str(ROOT / "hub" / "jupyterhub_config.py"),
        homes=str(homes),
        arguments=options,
        environment=own,
        public=public,
        hub=inner,
        api=api,
        proxy=PROXY,
        folder=str(folder),
    )
    (folder / "jupyterhub_config.py").write_text(config, encoding="utf-8")
    scripts = sysconfig.get_path("scripts")
    environment = os.environ | {"PATH": os.pathsep.join([scripts, os.environ.get("PATH", "")])}
    url = f"http://127.0.0.1:{public}"
    output = folder / "hub.log"
    with output.open("w") as log:
        command = [sys.executable, "-m", "jupyterhub", "-f", str(folder / "jupyterhub_config.py")]
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            until_it_answers(f"{url}/hub/api", process, output, 90)
            yield Hub(url, homes)
        finally:
            process.terminate()  # ends the proxy and each user's server, too
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()


def log_in(page: Page, hub: Hub, user: str) -> None:
    page.goto(f"{hub.url}/hub/login?next=%2Fhub%2F")
    page.fill("#username_input", user)
    page.fill("#password_input", "lab")
    page.click("#login_submit")
    page.wait_for_url(re.compile(f"/user/{user}/"), timeout=120_000)


def through_the_hub_alone(hub: Hub, page: Page) -> None:
    """As where the browser is at home and the Hub elsewhere: nothing else of this machine is reachable."""

    def elsewhere(route: Route) -> None:
        route.continue_() if route.request.url.startswith(f"{hub.url}/") else route.abort()

    page.route("**/*", elsewhere)


def test_three_users_chat_and_none_reaches_the_other(browser: Browser, hub: Hub) -> None:
    links = {}
    notebooks = []
    contexts = {user: browser.new_context(viewport={"width": 1280, "height": 900}) for user in USERS}
    try:
        for user, context in contexts.items():
            page = context.new_page()
            page.set_default_timeout(60_000)
            through_the_hub_alone(hub, page)
            log_in(page, hub, user)
            notebook = Notebook(page, hub.lab(user), "page.ipynb")
            notebooks.append(notebook)
            notebook.run_all()
            page.wait_for_selector('.wslab-page[data-reached="proxy"]')
            chat = page.frame_locator(".wslab-page iframe")
            said = f"selam, ben {user}"
            element = page.locator(".wslab-page iframe").element_handle()
            frame = element.content_frame()
            assert frame is not None
            frame.wait_for_function(CHAT_IS_OPEN)
            chat.locator("#messageText").fill(said)
            chat.locator("#messageText").press("Enter")
            expect(chat.locator("#messages")).to_contain_text(f"Mesajınız: {said}")
            notebook.shot(f"hub-{user}")
            link = page.get_attribute(".wslab-server a[data-path]", "href")
            assert link is not None
            assert f"/user/{user}/proxy/" in link
            links[user] = link.rstrip("/")

        # Each server has laid out what is handed out.
        for user in USERS:
            home = hub.homes / user
            assert (home / "websocket-lab/labs/en/L1-echo/L1-echo.ipynb").is_file()
            assert not (home / "websocket-lab/solutions").exists()

        ada, bora, _ = (contexts[user].new_page() for user in USERS)
        # The owner's own browser reaches it by the link ...
        assert ada.goto(f"{links['ada']}/chat").status == 200  # type: ignore[union-attr]
        # ... somebody else who is logged in is refused ...
        answer = bora.goto(f"{links['ada']}/chat")
        assert answer is not None
        assert answer.status == 403
        assert "WebSocket Sohbet" not in bora.content()
        # ... and who is not logged in is asked to.
        stranger = browser.new_context().new_page()
        stranger.goto(f"{links['bora']}/chat")
        assert "/hub/login" in stranger.url
        # A WebSocket is no way around.
        for page in (bora, stranger):
            address = f"{links['ada']}/ws".replace("http", "ws", 1)
            assert page.evaluate(
                """(address) => new Promise((done) => {
                    const ws = new WebSocket(address);
                    ws.onopen = () => done("open");
                    ws.onerror = () => done("refused");
                })""",
                address,
            ) == "refused"  # fmt: skip
        stranger.context.close()
    finally:
        for notebook in notebooks:
            notebook.close()  # its kernel, too, which would outlive a Hub that has to be killed
        for context in contexts.values():
            context.close()
