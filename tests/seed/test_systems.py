"""The document's systems with real clients: inside serve(), in a browser, and alone as the document runs them.

The clients are synchronous on purpose: Playwright's loop, once started, is this thread's only one.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from playwright.sync_api import Browser, Page
from tests.ports import document_ports
from tests.seed.pages import CHAT_IS_OPEN
from websockets.sync.client import ClientConnection, connect

from wslab.seed import SYSTEMS, fresh
from wslab.seed import chat as chat_in_one_app
from wslab.serving import Entry, Server, serve

# The document starts its tasks with @app.on_event, and is kept as it is.
pytestmark = pytest.mark.filterwarnings(r"ignore:\s*on_event is deprecated:DeprecationWarning")

DEADLINE = 10
PICTURE = '<img src="x:" onerror="document.title = \'ran\'">'


@pytest.fixture
def chat() -> Iterator[Server]:
    with serve(fresh("server").app) as server:
        yield server


def joined(server: Server) -> contextlib.AbstractContextManager[ClientConnection]:
    return connect(f"{server.ws_url}/ws", close_timeout=DEADLINE)


def heard(client: ClientConnection) -> str:
    return str(client.recv(timeout=DEADLINE))


def count(server: Server) -> int:
    return int(httpx.get(server.url).json()["connected_clients"])


def ended(number: int) -> Callable[[Entry], bool]:
    """Matches the end of the WebSocket handler of the server's scope `number`."""
    return lambda entry: entry.text == "handler.end" and entry.connection == f"#{number} /ws"


def test_every_caller_gets_a_list_of_its_own() -> None:
    assert fresh("server").connected_clients is not fresh("server").connected_clients
    with pytest.raises(ValueError, match="'chat' is none of the document's systems: server, client"):
        fresh("chat")


# Part 1: the chat server


def test_the_chat_answers_and_relays(chat: Server) -> None:
    with joined(chat) as one, joined(chat) as other:
        assert httpx.get(chat.url).json() == {"message": "WebSocket Sunucusu Çalışıyor", "connected_clients": 2}
        one.send("günaydın")
        assert heard(one) == "Mesajınız: günaydın"
        assert heard(other) == "Başka bir istemciden: günaydın"
        other.send("sana da")
        assert [heard(one), heard(other)] == ["Başka bir istemciden: sana da", "Mesajınız: sana da"]
    for number in (1, 2):
        chat.log.wait_for(ended(number), DEADLINE)
    assert count(chat) == 0


def test_a_vanished_client_is_taken_off_the_list(chat: Server) -> None:
    with joined(chat) as client:
        client.socket.shutdown(socket.SHUT_RDWR)
        assert chat.log.wait_for("websocket.disconnect", DEADLINE).detail == "1005"
        chat.log.wait_for(ended(1), DEADLINE)
        assert count(chat) == 0


# Part 1: the client


@pytest.fixture
def sender(chat: Server) -> Iterator[Server]:
    system = fresh("client")
    system.server_url = f"{chat.ws_url}/ws"
    with serve(system.app) as server:
        yield server


def test_send_says_what_was_sent_and_what_came_back(chat: Server, sender: Server) -> None:
    with joined(chat) as other:
        answer = httpx.get(f"{sender.url}/send/günaydın").json()
        assert answer == {"sent": "günaydın", "response": "Mesajınız: günaydın"}
        assert heard(other) == "Başka bir istemciden: günaydın"


def test_send_without_a_server_says_error(chat: Server, sender: Server) -> None:
    chat.stop()
    answer = httpx.get(f"{sender.url}/send/selam").json()
    assert set(answer) == {"error"}


def test_the_page_is_served_with_the_chat_servers_address(chat: Server, sender: Server) -> None:
    response = httpx.get(sender.url)
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert f'new WebSocket("{chat.ws_url}/ws")' in response.text
    assert 'new WebSocket("ws://localhost:8000/ws")' in fresh("client").html


# Part 1: the page


@pytest.fixture
def tabs(browser: Browser, sender: Server) -> Iterator[tuple[Page, Page]]:
    """The document's page in two tabs, both connected."""
    pages = browser.new_page(), browser.new_page()
    for page in pages:
        page.set_default_timeout(DEADLINE * 1000)
        page.goto(sender.url)
        page.wait_for_function(CHAT_IS_OPEN)
    yield pages
    for page in pages:
        page.close()


def items(page: Page) -> list[str]:
    return page.locator("#messages li").all_text_contents()


@pytest.mark.browser
def test_two_tabs_talk(tabs: tuple[Page, Page], chat: Server) -> None:
    one, other = tabs
    assert count(chat) == 2
    one.fill("#messageText", "günaydın")
    one.click("button")
    one.wait_for_selector("#messages li")
    other.wait_for_selector("#messages li")
    assert items(one) == ["Mesajınız: günaydın"]
    assert items(other) == ["Başka bir istemciden: günaydın"]
    assert one.input_value("#messageText") == ""
    other.fill("#messageText", "sana da")
    other.press("#messageText", "Enter")
    one.wait_for_selector("#messages li:nth-child(2)")
    assert items(one) == ["Mesajınız: günaydın", "Başka bir istemciden: sana da"]


@pytest.mark.browser
def test_a_tab_and_a_python_client_talk(tabs: tuple[Page, Page], chat: Server) -> None:
    with joined(chat) as client:
        tabs[0].fill("#messageText", "sayfadan")
        tabs[0].click("button")
        assert heard(client) == "Başka bir istemciden: sayfadan"
        client.send("Python'dan")
        tabs[0].wait_for_selector("#messages li:nth-child(2)")
    assert items(tabs[0]) == ["Mesajınız: sayfadan", "Başka bir istemciden: Python'dan"]


@pytest.mark.browser
def test_a_message_stays_text_in_both_tabs(tabs: tuple[Page, Page]) -> None:
    one, other = tabs
    one.fill("#messageText", PICTURE)
    one.click("button")
    for page, before in ((one, "Mesajınız: "), (other, "Başka bir istemciden: ")):
        page.wait_for_selector("#messages li")
        assert items(page) == [before + PICTURE]
        assert page.locator("#messages img").count() == 0
        assert page.title() == "WebSocket Sohbet"


@pytest.mark.browser
def test_closing_a_tab_lowers_the_count(tabs: tuple[Page, Page], chat: Server) -> None:
    assert count(chat) == 2
    tabs[1].close()
    assert chat.log.wait_for("websocket.disconnect", DEADLINE).detail == "1001"
    chat.log.wait_for(lambda entry: entry.text == "handler.end" and entry.connection.endswith("/ws"), DEADLINE)
    assert count(chat) == 1
    tabs[0].fill("#messageText", "hâlâ buradayım")
    tabs[0].click("button")
    tabs[0].wait_for_selector("#messages li")
    assert items(tabs[0]) == ["Mesajınız: hâlâ buradayım"]


# Part 2: the server speaks first


def test_periodic_updates_reach_every_client() -> None:
    system = fresh("push_server")
    system.period = 0.02
    with serve(system.app) as server, joined(server) as one, joined(server) as other:
        for client in (one, other):
            first, second = heard(client), heard(client)
            assert first < second
            assert re.fullmatch(r"Sunucu saati: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?", first)


def test_an_http_request_is_broadcast() -> None:
    with serve(fresh("push_server").app) as server, joined(server) as one, joined(server) as other:
        assert count(server) == 2
        response = httpx.post(f"{server.url}/broadcast", params={"message": "Bakım zamanı"})
        assert response.json() == {"status": "sent", "clients": 2}
        assert [heard(one), heard(other)] == ["Bakım zamanı", "Bakım zamanı"]
        assert httpx.get(f"{server.url}/broadcast").status_code == 405
        assert httpx.post(f"{server.url}/broadcast").status_code == 422


def test_the_push_server_still_chats() -> None:
    with serve(fresh("push_server").app) as server, joined(server) as one, joined(server) as other:
        assert count(server) == 2
        one.send("selam")
        assert [heard(one), heard(other)] == ["Mesajınız: selam", "Başka bir istemciden: selam"]


# Part 3: random messages beside the handlers


def test_random_messages_come_while_a_handler_waits() -> None:
    system = fresh("random_server")
    system.period = 0.02
    with serve(system.app) as server:
        assert server.log.wait_for("Periyodik", DEADLINE).text == "Periyodik mesaj gönderme görevi başlatıldı"
        with joined(server) as client:
            broadcasts = [heard(client) for _ in range(3)]
            client.send("selam")
            while (text := heard(client)) != "Mesajınız: selam":
                broadcasts.append(text)
        server.log.wait_for("İstemci bağlantısı kesildi", DEADLINE)
    for text in broadcasts:
        match = re.fullmatch(r"SUNUCU: (?P<message>.*) \[\d\d:\d\d:\d\d\]", text)
        assert match is not None
        assert match["message"] in system.random_messages
    printed = [entry.text for entry in server.log.prints]
    for line in ("Yeni istemci bağlandı!", "İstemciden mesaj bekleniyor...", "Alınan mesaj: selam"):
        assert line in printed


# Alone, on the document's ports


class Program:
    """`python -m wslab.seed.<name>` with its reloader and its worker, and what it has written."""

    def __init__(self, name: str, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", f"wslab.seed.{name}"],
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.seen: list[str] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def wait_for(self, words: str, deadline: float) -> None:
        until = time.monotonic() + deadline
        while not any(words in line for line in self.seen):
            try:
                line = self._lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no {words!r} within {deadline} s: {''.join(self.seen)}")
            if line is None:
                pytest.fail(f"it ended before {words!r}: {''.join(self.seen)}")
            if any(taken in line.lower() for taken in ("address already in use", "only one usage of each socket")):
                pytest.skip("somebody took the document's port in this moment")
            self.seen.append(line)

    def stop(self) -> None:
        """End the whole tree: uvicorn's reloader starts the server as a child."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            tree = [*parent.children(recursive=True), parent]
            for process in tree:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            _, alive = psutil.wait_procs(tree, timeout=DEADLINE)
            assert not alive
        self.process.wait(DEADLINE)


@pytest.fixture
def fixed_ports() -> Iterator[None]:
    """8000 and 8001, free before and after; no other test has them meanwhile."""
    with document_ports():
        require_free(8000, 8001)
        yield
        require_free(8000, 8001)


def require_free(*ports: int) -> None:
    for port in ports:
        with socket.socket() as probe:
            if os.name != "nt":  # what asyncio does; on Windows it would let two programs share a port
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                pytest.skip(f"port {port}, which the document uses, is taken on this machine")


@contextlib.contextmanager
def alone(name: str, port: int, folder: Path) -> Iterator[Program]:
    """The program, answering; it listens a moment after its worker says that the app has started."""
    program = Program(name, folder)
    try:
        program.wait_for("Application startup complete", deadline=60)
        with httpx.Client(transport=httpx.HTTPTransport(retries=6), timeout=DEADLINE) as patient:
            assert patient.get(f"http://127.0.0.1:{port}/").status_code == 200
        yield program
    finally:
        program.stop()


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_ports")
def test_server_and_client_run_alone_as_in_the_document(tmp_path: Path) -> None:
    with alone("server", 8000, tmp_path) as server, alone("client", 8001, tmp_path):
        answer = httpx.get("http://localhost:8001/send/selam", timeout=DEADLINE).json()
        assert answer == {"sent": "selam", "response": "Mesajınız: selam"}
        assert "WebSocket Sohbet" in httpx.get("http://localhost:8001/", timeout=DEADLINE).text
        with connect("ws://localhost:8000/ws", open_timeout=DEADLINE) as client:
            client.send("merhaba")
            assert heard(client) == "Mesajınız: merhaba"
            assert httpx.get("http://localhost:8000/", timeout=DEADLINE).json()["connected_clients"] == 1
        server.wait_for("Alınan mesaj: merhaba", deadline=DEADLINE)


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.usefixtures("fixed_ports")
def test_the_page_runs_alone_as_in_the_document(tmp_path: Path, browser: Browser) -> None:
    with alone("server", 8000, tmp_path), alone("client", 8001, tmp_path):
        page = browser.new_page()
        page.set_default_timeout(DEADLINE * 1000)
        try:
            page.goto("http://localhost:8001/")
            page.wait_for_function(CHAT_IS_OPEN)
            page.fill("#messageText", "selam")
            page.click("button")
            page.wait_for_selector("#messages li")
            assert items(page) == ["Mesajınız: selam"]
        finally:
            page.close()


@pytest.mark.slow
@pytest.mark.usefixtures("fixed_ports")
@pytest.mark.parametrize("name", ["push_server", "random_server"])
def test_the_other_servers_run_alone(name: str, tmp_path: Path) -> None:
    assert name in SYSTEMS
    with alone(name, 8000, tmp_path), connect("ws://localhost:8000/ws", open_timeout=DEADLINE) as client:
        client.send("selam")
        while (text := heard(client)) != "Mesajınız: selam":
            assert text.startswith(("SUNUCU: ", "Sunucu saati: "))


def test_the_chat_in_one_app_serves_its_page_and_relays() -> None:
    """The page looks for the chat beside its own address; what one client says the other one hears."""
    with serve(chat_in_one_app()) as server:
        page = httpx.get(server.url).text
        assert "localhost" not in page
        assert 'new WebSocket(new URL("ws", location.href' in page
        with joined(server) as ada, joined(server) as bora:
            ada.send("Merhaba")
            assert heard(ada) == "Mesajınız: Merhaba"
            assert heard(bora) == "Başka bir istemciden: Merhaba"
