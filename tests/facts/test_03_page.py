"""What notebook 03 teaches about the page: the browser's WebSocket, each fact in a real Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.responses import HTMLResponse
from playwright.sync_api import Browser, Page
from tests.ports import free_port
from tests.seed.pages import CHAT_IS_OPEN
from websockets.sync.client import connect

from wslab.seed import fresh
from wslab.serving import Entry, Server, serve

pytestmark = pytest.mark.browser

DEADLINE = 10
ADDRESS = 'new URL("ws", location.href.replace(/^http/, "ws"))'
PAGE = fresh("client").html.replace('"ws://localhost:8000/ws"', ADDRESS)


@pytest.fixture
def server() -> Iterator[Server]:
    """The document's chat server, with the document's page beside it, which takes its address from its own."""
    app = fresh("server").app

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return PAGE

    @app.get("/early", response_class=HTMLResponse)
    async def early() -> str:
        submit = 'if (!location.href.endsWith("?")) document.querySelector("form").requestSubmit();'
        return PAGE.replace("</script>", submit + "</script>")

    with serve(app) as server:
        yield server


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(DEADLINE * 1000)
    yield page
    page.close()


@pytest.fixture
def page(tab: Page, server: Server) -> Page:
    """The page, connected."""
    tab.goto(f"{server.url}/page")
    tab.wait_for_function(CHAT_IS_OPEN)
    return tab


def events(page: Page, address: str, actions: str = "") -> list[list[Any]]:
    """What a new WebSocket of the page tells, up to its close: each event's name and readyState, and more."""
    seen: list[list[Any]] = page.evaluate(
        f"""() => new Promise(resolve => {{
            const socket = new WebSocket({address});
            const seen = [["new", socket.readyState]];
            socket.onopen = () => {{ seen.push(["open", socket.readyState]); {actions} }};
            socket.onmessage = event => {{ seen.push(["message", socket.readyState, event.data]); socket.close(); }};
            socket.onerror = event => seen.push(["error", socket.readyState, event.message, event.code, event.reason]);
            socket.onclose = event => {{
                seen.push(["close", socket.readyState, event.code, event.wasClean]);
                resolve(seen);
            }};
        }})"""
    )
    return seen


def said(server: Server) -> list[str]:
    return [entry.detail for entry in server.log.events if entry.text == "websocket.receive"]


def requests(server: Server, path: str) -> int:
    return sum(e.text == "http.response.start" and e.connection.endswith(f"GET {path}") for e in server.log.events)


def test_four_events_and_the_ready_state(page: Page) -> None:
    """`open`, `message`, `close`; `readyState` goes 0, 1, 1, 3; `close()` without a code → 1005, `wasClean` true."""
    assert events(page, ADDRESS, 'socket.send("selam")') == [
        ["new", 0],
        ["open", 1],
        ["message", 1, "Mesajınız: selam"],
        ["close", 3, 1005, True],
    ]


def test_closing_is_a_state_of_its_own(page: Page) -> None:
    """`readyState` is 2 from `close()` until the server has answered."""
    assert page.evaluate("() => { ws.close(); return ws.readyState; }") == 2


REFUSED = [["new", 0], ["error", 3, None, None, None], ["close", 3, 1006, False]]


def test_a_rejection_is_1006_and_the_error_says_nothing(page: Page) -> None:
    """Rejection → 1006, `wasClean` false, and `onerror` says nothing; there is no `open`."""
    assert events(page, ADDRESS.replace('"ws"', '"nowhere"', 1)) == REFUSED


def test_a_refused_port_looks_the_same(page: Page) -> None:
    """Refused port → 1006, `wasClean` false, and `onerror` says nothing."""
    port = free_port()
    assert events(page, f'"ws://127.0.0.1:{port}/ws"') == REFUSED


def test_a_stopped_server_says_goodbye(page: Page, server: Server) -> None:
    """Shutdown: clients get 1012. (`wasClean` depends on whether their answer still finds the server.)"""
    page.evaluate("() => { ws.onclose = event => { window.farewell = event.code; } }")
    server.stop()
    page.wait_for_function("window.farewell")
    assert page.evaluate("window.farewell") == 1012


def test_sending_while_connecting_throws(page: Page) -> None:
    """Bug l: sending while CONNECTING throws."""
    assert page.evaluate(f"() => {{ try {{ new WebSocket({ADDRESS}).send('x') }} catch (e) {{ return e.name }} }}") == (
        "InvalidStateError"
    )


def test_sending_too_early_reloads_the_page(tab: Page, server: Server) -> None:
    """Bug l: it throws before `preventDefault`, so the browser submits the form: the page is loaded again."""
    raised: list[str] = []
    tab.on("pageerror", lambda error: raised.append(error.message))
    tab.goto(f"{server.url}/early")
    tab.wait_for_url("**/early?")
    assert len(raised) == 1
    assert "CONNECTING" in raised[0]
    assert requests(server, "/early") + requests(server, "/early?") == 2
    assert said(server) == []


def test_sending_after_the_close_loses_the_text_silently(page: Page, server: Server) -> None:
    """Bug l: sending after close throws nothing, empties the input, and only `bufferedAmount` knows."""
    page.evaluate("() => new Promise(resolve => { ws.onclose = resolve; ws.close(); })")
    page.fill("#messageText", "geç kaldım")
    page.click("button")
    assert page.input_value("#messageText") == ""
    assert page.url == f"{server.url}/page"
    assert page.evaluate("ws.bufferedAmount") == len("geç kaldım".encode()) == 12
    assert said(server) == []


CAREFUL = """
var form = () => document.querySelector("form");
var input = () => document.getElementById("messageText");
var button = document.querySelector("button");
button.disabled = true;
ws.onopen = () => { button.disabled = false; };
ws.onclose = () => { button.disabled = true; };
function sendMessage(event) {
    event.preventDefault();
    if (ws.readyState != WebSocket.OPEN) return;
    ws.send(input().value);
    input().value = '';
}
"""


def test_a_careful_page_neither_reloads_nor_loses(tab: Page) -> None:
    """Bug l, repaired: `preventDefault` first, and only an open socket is written to."""
    app = fresh("server").app

    @app.get("/page", response_class=HTMLResponse)
    async def page() -> str:
        return PAGE.replace("</script>", CAREFUL + "input().value = 'erken'; form().requestSubmit();</script>")

    with serve(app) as server:
        tab.goto(f"{server.url}/page")
        tab.wait_for_function("!button.disabled")
        assert tab.url == f"{server.url}/page"
        assert tab.input_value("#messageText") == "erken"
        tab.click("button")
        tab.wait_for_selector("#messages li")
        assert said(server) == ["erken"]
        assert tab.input_value("#messageText") == ""


IMAGE = '<img src="x:" onerror="window.ran = true">'


def test_a_message_is_text(page: Page, server: Server) -> None:
    """`createTextNode`: `<img onerror>` stays text."""
    with connect(f"{server.ws_url}/ws") as client:
        client.send(IMAGE)
        item = page.wait_for_selector("#messages li")
    assert item is not None
    assert item.text_content() == f"Başka bir istemciden: {IMAGE}"
    assert page.locator("#messages img").count() == 0
    assert page.evaluate("window.ran") is None


def test_inner_html_runs_what_a_message_brings(page: Page, server: Server) -> None:
    """The mistake that `createTextNode` avoids: `innerHTML` makes an image of it, and its `onerror` runs."""
    page.evaluate("() => { ws.onmessage = event => { document.getElementById('messages').innerHTML += event.data } }")
    with connect(f"{server.ws_url}/ws") as client:
        client.send(IMAGE)
        page.wait_for_function("window.ran")
    assert page.locator("#messages img").count() == 1


def close(page: Page, arguments: str) -> str:
    outcome: str = page.evaluate(
        f"() => {{ try {{ ws.close({arguments}); return 'accepted' }} catch (error) {{ return error.name }} }}"
    )
    return outcome


def test_codes_that_a_page_may_not_send(page: Page) -> None:
    """JS: `close()` takes 1000 or 3000–4999, else `InvalidAccessError`, and the connection stays open."""
    for code in (0, 999, 1001, 1005, 1006, 1008, 1011, 2999, 5000):
        assert close(page, str(code)) == "InvalidAccessError", code
    assert page.evaluate("ws.readyState") == 1


@pytest.mark.parametrize("code", [1000, 3000, 4999])
def test_codes_that_a_page_may_send(page: Page, server: Server, code: int) -> None:
    """JS: `close()` takes 1000 or 3000–4999; the server sees code and reason as sent."""
    assert close(page, f"{code}, 'hoşça kal'") == "accepted"
    assert server.log.wait_for("websocket.disconnect", DEADLINE).detail == f"{code} hoşça kal"


def test_a_close_without_a_code_is_1005(page: Page, server: Server) -> None:
    """`close()` without a code → 1005."""
    assert close(page, "") == "accepted"
    assert server.log.wait_for("websocket.disconnect", DEADLINE).detail == "1005"


def test_python_may_send_1008(server: Server) -> None:
    """The limit is the browser's, not the protocol's: a Python client sends 1008."""
    with connect(f"{server.ws_url}/ws") as client:
        client.close(1008, "olmaz")
    assert server.log.wait_for("websocket.disconnect", DEADLINE).detail == "1008 olmaz"


@pytest.mark.parametrize(("letter", "most"), [("i", 123), ("ı", 61), ("€", 41)])
def test_a_reason_has_at_most_123_bytes(page: Page, server: Server, letter: str, most: int) -> None:
    """Reason at most 123 UTF-8 **bytes** (`SyntaxError`); Turkish letters cost two."""
    assert close(page, f"1000, '{letter}'.repeat({most + 1})") == "SyntaxError"
    assert page.evaluate("ws.readyState") == 1
    assert close(page, f"1000, '{letter}'.repeat({most})") == "accepted"
    # The log shows at most 200 characters of a detail; these are all.
    assert server.log.wait_for("websocket.disconnect", DEADLINE).detail == f"1000 {letter * most}"


def test_a_closed_tab_is_noticed_at_once(tab: Page, page: Page, server: Server) -> None:
    """A closed tab: at once; the server sees 1001, going away."""
    tab.close()
    assert server.log.wait_for("websocket.disconnect", DEADLINE).detail == "1001"

    def ended(entry: Entry) -> bool:
        return entry.text == "handler.end" and entry.connection.endswith("/ws")

    assert server.log.wait_for(ended, DEADLINE)
    assert server.open_websockets == 0


@pytest.mark.parametrize(
    ("page_at", "address"),
    [
        ("http://127.0.0.1:53211/page", "ws://127.0.0.1:53211/ws"),
        ("http://127.0.0.1:8888/proxy/53211/page", "ws://127.0.0.1:8888/proxy/53211/ws"),
        ("https://jupyter.example/user/ada/proxy/53211/page", "wss://jupyter.example/user/ada/proxy/53211/ws"),
    ],
)
def test_an_address_beside_the_page(tab: Page, page_at: str, address: str) -> None:
    """`new URL("ws", location.href)` works straight and behind jupyter-server-proxy."""
    assert tab.evaluate(f"href => {ADDRESS.replace('location.href', 'href')}.href", page_at) == address


def test_the_page_connects_to_where_it_came_from(page: Page, server: Server) -> None:
    """`new URL("ws", location.href)` in the page itself."""
    assert page.evaluate("ws.url") == f"{server.ws_url}/ws"


def test_a_relative_address_is_enough_for_a_new_browser(page: Page, server: Server) -> None:
    """`new WebSocket("ws")` and `http:` addresses: allowed by the WebSockets standard since 2023."""
    assert page.evaluate("() => new WebSocket('ws').url") == f"{server.ws_url}/ws"
    assert page.evaluate("() => new WebSocket('http://127.0.0.1:1/ws').url") == "ws://127.0.0.1:1/ws"
