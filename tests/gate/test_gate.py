"""Who comes in, who does not, and how little one visitor can take from the others."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from fastapi import FastAPI, WebSocket
from tests.gate.visitors import (
    PATIENCE,
    address,
    chat,
    cookie,
    join,
    raw,
    socket_of,
    token,
    unresponsive,
    until_closed,
    wait_until,
)
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from wslab.gate import Limits, Visitor, people
from wslab.gate.hosts import own_host, socket_path
from wslab.gate.pages import language_of
from wslab.gate.people import Ending
from wslab.serving import Server, ServerStartError, serve, servers


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(chat(), token=True, name="sohbet") as running:
        yield running


def reached(server: Server) -> list[str]:
    """The connections that the app itself saw."""
    return sorted({entry.connection for entry in server.log.events if entry.kind == "asgi"})


# -- the token


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/ws", "/join/..", "/%2e%2e/etc/passwd", "//", "/api"])
def test_a_stranger_finds_a_door_and_nothing_else(server: Server, path: str) -> None:
    reply = httpx.get(address(server) + path)
    assert reply.status_code in (403, 404)
    assert "clients" not in reply.text
    assert reached(server) == []


@pytest.mark.parametrize("path", ["/ws", "/wrong-token/ws", "/join/live"])
def test_a_stranger_has_no_websocket(server: Server, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{server.port}{path}", proxy=None):
        pass
    assert refused.value.response.status_code == 403
    assert reached(server) == []
    assert server.gate is not None
    assert server.gate.refused == {"token": 1}


def test_a_program_brings_the_token_in_the_path() -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        seen.append({**scope, "body": (await receive())["body"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    with serve(app, token=True) as server:
        assert server.url == f"{address(server)}/{token(server)}"
        assert httpx.post(f"{server.url}/a%20b?c=d", content=b"body").text == "in"
        client = join(server, "Ada")
        client.cookies.set("theirs", "kept")
        assert client.get("/").text == "in"
    program, browser = seen
    assert (program["path"], program["raw_path"], program["query_string"]) == ("/a b", b"/a%20b", b"c=d")
    assert program["body"] == b"body"
    assert "user" not in program
    assert browser["user"].display_name == "Ada"
    assert [value for name, value in browser["headers"] if name == b"cookie"] == [b"theirs=kept"]
    assert token(server) not in repr(seen)


def test_a_new_start_has_a_new_token_and_old_cookies_open_nothing() -> None:
    with serve(chat(), token=True) as server:
        before = token(server)
        client = join(server, "Ada")
        assert client.get("/").status_code == 200
        server.restart()
        assert token(server) != before
        assert client.get("/").status_code == 403
        assert httpx.get(f"{address(server)}/{before}/").status_code == 403
        assert httpx.get(f"{server.url}/").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.url}/")


def test_a_token_of_ones_own() -> None:
    with serve(chat(), token="Pazartesi-2026") as server:
        assert httpx.get(f"{address(server)}/pazartesi2026/").status_code == 200


@pytest.mark.parametrize("unfit", ["short", "with space", 7, "a/b/c/d/e"])
def test_a_token_that_cannot_stand_in_an_address_is_a_sentence(unfit: Any) -> None:
    with pytest.raises(ServerStartError, match="cannot stand in an address"):
        serve(chat(), token=unfit)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "somewhere.example"])
def test_nobody_opens_an_app_to_a_network_by_accident(host: str) -> None:
    with pytest.raises(ServerStartError, match="token=True"):
        serve(chat(), host=host)
    assert servers() == []


def test_on_every_address_of_the_machine_only_the_shared_port_listens() -> None:
    with serve(chat()) as private, serve(chat(), host="0.0.0.0", token=True) as shared:
        assert shared.url.startswith(f"http://127.0.0.1:{shared.port}/")
        assert httpx.get(f"{shared.url}/").status_code == 200
        listening = {
            connection.laddr.port: connection.laddr.ip
            for connection in psutil.Process().net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
        assert listening[private.port] == "127.0.0.1"
        assert [port for port, ip in listening.items() if ip == "0.0.0.0"] == [shared.port]


# -- the join page


def test_the_page_that_the_qr_code_leads_to(server: Server) -> None:
    page = httpx.get(f"{address(server)}/join/{token(server)}", headers={"accept-language": "tr-TR,en;q=0.8"})
    assert page.status_code == 200
    assert '<html lang="tr">' in page.text
    assert "Takma ad" in page.text
    assert "?lang=en" in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "same-origin"
    chosen = httpx.get(f"{address(server)}/join/{token(server)}?lang=en", headers={"accept-language": "tr"})
    assert "Nickname" in chosen.text


def test_joining_sets_a_cookie_that_no_script_and_no_other_site_can_use(server: Server) -> None:
    code = token(server).upper().replace("-", " ")  # as somebody types it
    reply = httpx.post(f"{address(server)}/join", data={"code": code, "nickname": "  Ada ", "lang": "tr"})
    assert (reply.status_code, reply.headers["location"]) == (303, "/join")
    name, *flags = reply.headers["set-cookie"].split("; ")
    assert name.startswith(f"wslab-{server.port}=")
    assert {"httponly", "samesite=strict", "path=/"} == {flag.lower() for flag in flags}
    assert token(server) not in name
    page = httpx.get(f"{address(server)}/join", headers={"cookie": name})
    assert "Adınız: Ada" in page.text
    assert server.gate is not None
    (person,) = server.gate.people.snapshot()
    assert (person.nickname, person.address, person.state, person.guest) == ("Ada", "127.0.0.1", "away", False)


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [
        ({"nickname": "Ada"}, 403, "not the code"),
        ({"nickname": "Ada", "code": "wrong"}, 403, "not the code"),
        ({"nickname": "", "code": None}, 400, "nickname"),
        ({"nickname": "\u202e\u200b", "code": None}, 400, "nickname"),
        ({"nickname": "x" * 25, "code": None}, 400, "more than 24"),
    ],
)
def test_who_does_not_get_in_reads_why(server: Server, form: dict[str, Any], status: int, says: str) -> None:
    data = {name: token(server) if value is None else value for name, value in form.items()} | {"lang": "en"}
    reply = httpx.post(f"{address(server)}/join", data=data)
    assert reply.status_code == status
    assert "set-cookie" not in reply.headers
    assert says in reply.text.split('class="problem"')[1].split("</p>")[0]
    assert "x" * 25 not in reply.text.replace("x" * 25, "", 1)


def test_a_script_as_a_nickname_is_text_everywhere(server: Server) -> None:
    nickname = "<script>alert(1)</script"
    client = join(server, nickname)
    page = client.get("/join").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script" in page
    assert "%3Cscript%3Ealert" in page  # in the WebSocket's address
    again = client.post("/join", data={"code": "wrong", "nickname": '"><img src=x onerror=alert(1)>', "lang": "en"})
    assert "<img" not in again.text


def test_two_of_a_name_are_told_apart(server: Server) -> None:
    join(server, "Ada")
    join(server, "ADA")
    assert server.gate is not None
    assert [person.nickname for person in server.gate.people.snapshot()] == ["Ada", "ADA 2"]


def test_who_joins_again_in_the_same_browser_is_the_same_person(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    join(server, "Bora")
    ada = join(server, "Ada")
    before = cookie(ada)
    form = {"code": token(server), "lang": "tr"}
    gate.locked = True  # who is in stays in, and is nobody else
    for nickname, called in (("Ada", "Ada"), ("Ada Lovelace", "Ada Lovelace"), ("bora", "bora 2")):
        assert ada.post("/join", data=form | {"nickname": nickname}).status_code == 303
        assert [person.nickname for person in gate.people.snapshot()] == ["Bora", called]
        assert f"Adınız: {called}" in ada.get("/join").text
    assert cookie(ada) == before
    assert ada.post("/join", data=form | {"nickname": "x" * 25}).status_code == 400
    assert [person.nickname for person in gate.people.snapshot()] == ["Bora", "bora 2"]
    assert server.submit(gate.kick("bora 2")).result(PATIENCE)
    assert ada.post("/join", data=form | {"nickname": "Ada"}).status_code == 403


def test_who_is_kicked_while_the_form_is_on_its_way_does_not_join(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    eve = join(server, "Eve")
    (visitor,) = gate.people.everybody
    before = visitor.seen
    body = f"code={token(server)}&nickname=Eve&lang=en".encode()
    head = f"POST /join HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie(eve)}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(head.encode() + body[:5])
        wait_until(lambda: visitor.seen != before)
        assert server.submit(gate.kick("Eve")).result(PATIENCE)
        connection.sendall(body[5:])
        reply = until_closed(connection)
    assert reply.startswith(b"HTTP/1.1 403 ")
    assert b"has ended your visit" in reply
    assert gate.people.snapshot() == ()


def test_a_connection_keeps_the_nickname_with_which_it_began() -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def who(websocket: WebSocket) -> None:
        await websocket.accept()
        async for _ in websocket.iter_text():
            await websocket.send_text(websocket.user.display_name)

    with serve(app, token=True) as server:
        client = join(server, "Ada")
        with socket_of(client) as first:
            form = {"code": token(server), "nickname": "Bora", "lang": "en"}
            assert client.post("/join", data=form).status_code == 303
            with socket_of(client) as second:
                for connection, nickname in ((first, "Ada"), (second, "Bora")):
                    connection.send("who am I?")
                    assert connection.recv(PATIENCE) == nickname


def test_nothing_else_is_served(server: Server) -> None:
    client = join(server, "Ada")
    assert client.get("/join/live").status_code == 204
    assert client.get("/join/live/").status_code == 404
    assert client.get("/join/a/b").status_code == 404
    assert client.put("/join").status_code == 404
    assert client.get(f"/join/{token(server)}").headers["location"] == "/join"
    assert client.get("/no-such-route").json() == {"detail": "Not Found"}  # the app's own answer


@pytest.mark.parametrize(
    ("asked", "accepted", "language"),
    [
        ("tr", "en", "tr"),
        ("xx", "tr", "tr"),
        ("", "de, tr;q=0.4, en;q=0.9", "en"),
        ("", "de;q=1", "tr"),
        ("", "tr;q=x,,;;q=,en-GB", "en"),
        ("", "", "tr"),
    ],
)
def test_the_language_of_a_page(asked: str, accepted: str, language: str) -> None:
    assert language_of(asked, accepted, "tr") == language


# -- other sites


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_another_sites_page_gets_no_websocket(server: Server, origin: str) -> None:
    client = join(server, "Ada")
    with pytest.raises(InvalidStatus) as refused, socket_of(client, origin=origin):
        pass
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus), connect(f"{server.ws_url}/ws", origin=origin, proxy=None):  # type: ignore[arg-type]
        pass
    assert reached(server) == []
    with socket_of(client) as own:
        own.send("here")
        assert own.recv(PATIENCE) == "here"


def test_another_sites_form_changes_nothing(server: Server) -> None:
    headers = {"origin": "http://evil.example"}
    form = {"code": token(server), "nickname": "Eve", "lang": "en"}
    assert httpx.post(f"{address(server)}/join", data=form, headers=headers).status_code == 403
    assert httpx.post(f"{server.url}/length", json=[1], headers=headers).status_code == 403
    assert reached(server) == []


@pytest.mark.parametrize(
    "host", [b"evil.example", b"127.0.0.1.evil.example:80", b"", b"127.0.0.1:80\r\nHost: evil.example"]
)
def test_a_name_that_was_made_to_lead_here(server: Server, host: bytes) -> None:
    path = f"/{token(server)}/".encode()
    reply = raw(server, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert reply.split()[1] in (b"421", b"400")
    assert reached(server) == []


def test_hosts_of_this_machine() -> None:
    mine = socket.gethostname()
    for host in ("192.168.1.5:8000", "10.0.0.1", "[::1]:8000", "localhost:1", f"{mine}:8000", f"{mine.upper()}"):
        assert own_host(host), host
    for host in ("", "example.com", "localhost.evil", "[::1", "1.2.3.4:x", "127.0.0.1@evil.example", f"{mine}.evil"):
        assert not own_host(host), host


def test_nobody_says_where_they_come_from(server: Server) -> None:
    form = {"code": token(server), "nickname": "Ada", "lang": "en"}
    httpx.post(f"{address(server)}/join", data=form, headers={"X-Forwarded-For": "10.9.8.7"})
    assert server.gate is not None
    assert [person.address for person in server.gate.people.snapshot()] == ["127.0.0.1"]


# -- limits


def test_a_message_that_is_too_long_ends_only_its_own_connection(server: Server) -> None:
    with socket_of(join(server, "Ada")) as ada, socket_of(join(server, "Eve")) as eve:
        eve.send("x" * 65_537)
        with pytest.raises(ConnectionClosed) as closed:
            eve.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        ada.send("on it goes")
        assert ada.recv(PATIENCE) == "on it goes"


def test_a_flood_is_closed_with_the_reason_and_harms_nobody(server: Server) -> None:
    with socket_of(join(server, "Ada")) as ada, socket_of(join(server, "Eve", "tr"), max_queue=None) as eve:
        with contextlib.suppress(ConnectionClosed):  # the close may come while she is still sending
            for number in range(60):
                eve.send(str(number))
        with contextlib.suppress(ConnectionClosed):
            list(eve)
        assert (eve.close_code, eve.close_reason) == (1008, "saniyede 10 mesajdan fazlası")
        server.log.wait_for(lambda entry: entry.text == "handler.end", PATIENCE)
        ada.send("after the flood")
        texts = [ada.recv(PATIENCE)]
        while texts[-1] != "after the flood":
            texts.append(ada.recv(PATIENCE))
        assert 30 <= len(texts) - 1 < 60
    assert server.gate is not None
    assert server.gate.refused["flood"] == 1
    assert not server.log.errors


def test_a_new_connection_brings_no_new_allowance() -> None:
    limits = Limits(message_burst=3, messages_per_second=0.01, people_per_address=2)
    with serve(chat(), token=True, limits=limits) as server:
        eve = join(server, "Eve")

        def shout(connection: ClientConnection) -> None:
            with contextlib.suppress(ConnectionClosed):
                for number in range(10):
                    connection.send(str(number))
            with contextlib.suppress(ConnectionClosed):
                list(connection)
            assert connection.close_code == 1008

        for _ in range(2):
            with socket_of(eve, max_queue=None) as connection:
                shout(connection)
        assert server.gate is not None
        assert [person.messages for person in server.gate.people.snapshot()] == [3]
        for _ in range(3):
            with connect(f"{server.ws_url}/ws", proxy=None, max_queue=None) as program:
                shout(program)
        received = [entry for entry in server.log.events if entry.text == "websocket.receive"]
        assert len(received) - 3 == 6


def test_too_many_requests_are_told_to_wait() -> None:
    with serve(chat(), token=True, limits=Limits(request_burst=3, requests_per_second=0.01)) as server:
        assert [httpx.get(f"{server.url}/").status_code for _ in range(5)] == [200, 200, 200, 429, 429]
        # Whoever has joined has an allowance of their own, but not more than that.
        assert server.gate is not None
        assert server.gate.refused["rate"] == 2


def test_too_many_handshakes_are_refused_with_the_token_and_without() -> None:
    limits = Limits(request_burst=3, requests_per_second=0.01)
    for path in ("/wrong-token/ws", "/join/live", "/ws"):
        with serve(chat(), token=True, limits=limits) as server:
            for _ in range(5):
                with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{server.port}{path}", proxy=None):
                    pass
            with pytest.raises(InvalidStatus), connect(f"{server.ws_url}/ws", proxy=None):
                pass
            assert server.gate is not None
            assert server.gate.refused == {"token": 3, "rate": 3}


def test_whoever_has_joined_does_not_pay_for_a_stranger_at_the_same_address() -> None:
    with serve(chat(), token=True, limits=Limits(request_burst=5, requests_per_second=0.01)) as server:
        ada = join(server, "Ada")
        while httpx.get(f"{address(server)}/").status_code != 429:
            pass
        assert ada.get("/").status_code == 200


def test_the_sockets_of_one_person_are_counted() -> None:
    with serve(chat(), token=True, limits=Limits(sockets_per_person=2)) as server:
        client = join(server, "Eve")
        with socket_of(client), socket_of(client, "/join/live"):
            with pytest.raises(InvalidStatus), socket_of(client):
                pass
            with socket_of(join(server, "Ada")) as ada:
                ada.send("room for others")
                assert ada.recv(PATIENCE) == "room for others"


@pytest.mark.parametrize(
    "body",
    [
        b"Content-Length: 70000\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n"
        + b"8000\r\n"
        + b"x" * 0x8000
        + b"\r\n"
        + b"9000\r\n"
        + b"x" * 0x9000
        + b"\r\n",
    ],
    ids=["announced", "chunked"],
)
def test_a_body_that_is_too_large(server: Server, body: bytes) -> None:
    head = f"POST /{token(server)}/length HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode()
    assert raw(server, head + body).startswith(b"HTTP/1.1 413 ")
    assert reached(server) == []
    assert httpx.post(f"{server.url}/length", json=[1, 2]).json() == 2


def test_a_request_that_never_ends_is_hung_up_on() -> None:
    with serve(chat(), token=True, limits=Limits(request_deadline=0.2)) as server:
        head = f"POST /{token(server)}/length HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n[".encode()
        assert raw(server, head).startswith(b"HTTP/1.1 408 ")
        for beginning in (b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n"):
            assert raw(server, beginning) == b""
        with socket_of(join(server, "Ada")) as ada:
            wait_until(lambda: server.gate is not None and server.gate.refused["slow"] == 4)
            ada.send("a WebSocket has no such deadline")
            assert ada.recv(PATIENCE) == "a WebSocket has no such deadline"


def test_connections_of_one_address_are_counted() -> None:
    limits = Limits(connections_per_address=5, request_deadline=30)
    with serve(chat(), token=True, limits=limits) as server:
        hoard = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) for _ in range(8)]
        try:
            assert server.gate is not None
            wait_until(lambda: server.gate is not None and server.gate.refused["connections"] == 3)
            assert [until_closed(extra) for extra in hoard[5:]] == [b"", b"", b""]
            if sys.platform == "linux":  # other systems have no second loopback address
                with socket.create_connection(
                    ("127.0.0.1", server.port), timeout=PATIENCE, source_address=("127.0.0.2", 0)
                ) as other:
                    other.sendall(f"GET /{token(server)}/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                    assert until_closed(other).startswith(b"HTTP/1.1 200 ")
        finally:
            for connection in hoard:
                connection.close()


def test_every_answer_ends_its_connection(server: Server) -> None:
    for url in (f"{server.url}/", address(server), f"{address(server)}/join/{token(server)}"):
        assert httpx.get(url).headers.get_list("connection") == ["close"]


def test_as_many_people_as_the_room_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(chat(), token=True, limits=Limits(people=2)) as server:
        ada, bora = join(server, "Ada"), join(server, "Bora")
        with socket_of(ada), socket_of(bora, "/join/live"):
            form = {"code": token(server), "nickname": "Cem", "lang": "en"}
            full = httpx.post(f"{address(server)}/join", data=form)
            assert full.status_code == 503
            assert "The class is full: 2 people" in full.text
        assert server.gate is not None
        wait_until(lambda: server.gate and not any(v.present for v in server.gate.people.everybody))
        # Ada and Bora have just gone, and may be back at once.
        assert "Try again in a minute" in httpx.post(f"{address(server)}/join", data=form).text
        monkeypatch.setattr(people, "SPARED", 0.0)
        join(server, "Cem")
        assert len(server.gate.people.snapshot()) == 2


def test_one_address_does_not_fill_the_room() -> None:
    with serve(chat(), token=True, limits=Limits(people_per_address=1)) as server, socket_of(join(server, "Ada")):
        form = {"code": token(server), "nickname": "Eve", "lang": "tr"}
        reply = httpx.post(f"{address(server)}/join", data=form)
        assert reply.status_code == 503
        assert "Sizin adresinizden 1 kişi" in reply.text


# -- the others are safe from somebody's connection


def test_a_client_that_does_not_read_holds_nobody_up_for_long() -> None:
    limits = Limits(send_deadline=0.3, messages_per_second=10_000, message_burst=10_000)
    with serve(chat(), token=True, limits=limits) as server:
        silent = unresponsive(server, f"/{token(server)}/ws?name=silent")
        with socket_of(join(server, "Ada"), max_queue=None) as ada:
            sent = 0
            while not server.gate.refused["slow-consumer"]:  # type: ignore[union-attr]
                assert sent < 2_000
                ada.send("x" * 60_000)
                assert ada.recv(PATIENCE) == "x" * 60_000
                sent += 1
            ada.send("and on it goes")
            assert ada.recv(PATIENCE) == "and on it goes"
        silent.close()
        assert not server.log.errors


def test_a_page_that_does_not_read_is_closed() -> None:
    with serve(chat(), token=True, limits=Limits(send_deadline=0.2)) as server:
        gate = server.gate
        assert gate is not None
        gate.board = lambda visitor: {"vote": "x" * 8_000_000}
        silent = unresponsive(server, "/join/live", cookie(join(server, "Eve")))

        def ask() -> int:
            server.loop.call_soon_threadsafe(gate.tell_everybody)
            return gate.refused["slow-consumer"]

        wait_until(ask)
        wait_until(lambda: [person.state for person in gate.people.snapshot()] == ["away"])
        until_closed(silent)
        silent.close()
        assert not server.log.errors


def test_kicking_who_does_not_read_ends_the_connection() -> None:
    shown = threading.Event()

    def board(visitor: Visitor) -> dict[str, Any]:
        shown.set()
        return {"vote": "x" * 16_000_000}

    with serve(chat(), token=True, limits=Limits(send_deadline=0.2)) as server:
        assert server.gate is not None
        server.gate.board = board
        silent = unresponsive(server, "/join/live", cookie(join(server, "Eve")))
        assert shown.wait(PATIENCE)
        assert server.submit(server.gate.kick("Eve")).result(PATIENCE)
        until_closed(silent)  # it would take the rest and wait for more
        silent.close()
        assert server.gate.refused["slow-consumer"] == 1


def test_a_page_whose_board_fails_comes_back_for_the_next_one(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    ada = join(server, "Ada")

    def broken(visitor: Visitor) -> dict[str, Any]:
        raise ArithmeticError("the board is broken")

    with socket_of(ada, "/join/live") as page:
        assert json.loads(page.recv(PATIENCE)) == {}
        gate.board = broken
        server.loop.call_soon_threadsafe(gate.tell_everybody)
        with pytest.raises(ConnectionClosed):
            page.recv(PATIENCE)
    gate.board = lambda visitor: {"vote": 2}
    with socket_of(ada, "/join/live") as page:
        assert json.loads(page.recv(PATIENCE)) == {"vote": 2}
    wait_until(lambda: server.log.errors)
    assert [entry.text for entry in server.log.errors] == ["ArithmeticError: the board is broken"]


def test_the_handler_of_a_gone_client_learns_that_it_is_gone() -> None:
    app = FastAPI()
    ended: list[str] = []

    @app.websocket("/ws")
    async def speak(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                await websocket.send_text("tick")
                await asyncio.sleep(0.001)
        except Exception as error:
            ended.append(type(error).__name__)
            raise

    with serve(app, token=True) as server:
        with connect(f"{server.ws_url}/ws", proxy=None, close_timeout=0.1) as client:
            assert client.recv(PATIENCE) == "tick"
        wait_until(lambda: ended)
        assert ended == ["WebSocketDisconnect"]


def test_kicking_somebody(server: Server) -> None:
    assert server.gate is not None
    eve, ada = join(server, "Eve"), join(server, "Ada")
    with socket_of(eve) as first, socket_of(eve, "/join/live") as live, socket_of(ada) as other:
        assert json.loads(live.recv(PATIENCE)) == {}
        assert server.submit(server.gate.kick("Eve")).result(PATIENCE)
        with pytest.raises(ConnectionClosed) as closed:
            first.recv(PATIENCE)
        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1008, "kicked by the instructor")
        assert "ended your visit" in json.loads(live.recv(PATIENCE))["over"]
        other.send("still here")
        assert other.recv(PATIENCE) == "still here"
    assert eve.get("/").status_code == 403
    assert not server.submit(server.gate.kick("Eve")).result(PATIENCE)


def test_everything_of_somebody_who_is_kicked_is_closed_at_once(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    join(server, "Eve")
    (visitor,) = gate.people.everybody
    all_at_once = asyncio.Barrier(3)

    closed: list[int] = []

    class Slow:
        async def close(self, ending: Ending) -> None:
            async with asyncio.timeout(PATIENCE):
                await all_at_once.wait()
            closed.append(ending.code)

    visitor.connections = {Slow(), Slow(), Slow()}
    assert server.submit(gate.kick("Eve")).result(2 * PATIENCE)
    assert closed == [1008] * 3


def rejoins(client: httpx.Client, server: Server, nickname: str) -> int:
    return client.post("/join", data={"code": token(server), "nickname": nickname, "lang": "en"}).status_code


def test_a_kick_keeps_its_person_out_until_let_in(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    eve, ada = join(server, "Eve"), join(server, "Ada")
    assert server.submit(gate.kick("Eve")).result(PATIENCE)
    assert gate.people.kept_out() == ("Eve",)
    for nickname in ("Eve", "Somebody else"):  # the cookie is the same
        assert rejoins(eve, server, nickname) == 403
    assert "has ended your visit" in eve.get(f"/join/{token(server)}?lang=en").text
    private = httpx.Client(base_url=address(server))  # a window without the cookie
    assert rejoins(private, server, "eVe") == 403
    assert gate.refused["kept-out"] == 3
    assert rejoins(private, server, "Cem") == 303  # the address is Ada's as well: the kick must not hit its others
    assert ada.get("/").status_code == 200
    assert not gate.people.let_in("Ada")
    assert gate.people.let_in("Eve")
    assert rejoins(eve, server, "Eve") == 303
    assert gate.people.kept_out() == ()


def test_a_kicked_program_stays_out_until_let_in(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    with connect(f"{server.ws_url}/ws?name=bot", proxy=None), connect(f"{server.ws_url}/ws?name=bot", proxy=None):
        assert server.submit(gate.kick("bot 2")).result(PATIENCE)
        with pytest.raises(InvalidStatus), connect(f"{server.ws_url}/ws?name=bot", proxy=None):
            pass
        with connect(f"{server.ws_url}/ws?name=other", proxy=None):
            assert [person.nickname for person in gate.people.snapshot()] == ["bot", "other"]
    assert gate.people.let_in("bot 2")
    with connect(f"{server.ws_url}/ws?name=bot", proxy=None):
        pass


@pytest.mark.parametrize("path", ["/join", "/join?lang=tr", "/"])
def test_who_merely_opens_the_form_is_not_turned_away(server: Server, path: str) -> None:
    page = httpx.get(address(server) + path)
    assert 'name="code"' in page.text
    assert server.gate is not None
    assert server.gate.refused == {}
    assert page.status_code == (403 if path == "/" else 200)
    assert httpx.get(f"{address(server)}/join/wrong").status_code == 403
    assert server.gate.refused == {"token": 1}


def test_a_nickname_is_changed_without_the_code(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    ada = join(server, "Ada")
    assert 'id="rename"' in ada.get("/join").text
    assert ada.post("/join", data={"nickname": "Ada Lovelace", "lang": "en"}).status_code == 303
    assert [person.nickname for person in gate.people.snapshot()] == ["Ada Lovelace"]
    evil = {"origin": "http://evil.example"}
    assert ada.post("/join", data={"nickname": "Eve"}, headers=evil).status_code == 403
    assert ada.post("/join", data={"nickname": " "}).status_code == 400
    assert httpx.post(f"{address(server)}/join", data={"nickname": "Eve"}).status_code == 403
    assert [person.nickname for person in gate.people.snapshot()] == ["Ada Lovelace"]


@pytest.mark.parametrize("how", ["stop", "restart"])
def test_a_server_that_stops_says_goodbye_to_every_page(how: str) -> None:
    with serve(chat(), token=True) as server:
        ada, bora = join(server, "Ada"), join(server, "Bora", "tr")
        with socket_of(ada, "/join/live") as one, socket_of(bora, "/join/live") as two:
            pages = (one, "The class is over"), (two, "Ders bitti")
            for page, _ in pages:
                assert json.loads(page.recv(PATIENCE)) == {}
            getattr(server, how)()
            for page, says in pages:
                assert says in json.loads(page.recv(PATIENCE))["over"]
                with pytest.raises(ConnectionClosed) as closed:
                    page.recv(PATIENCE)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == 1001


def test_a_page_that_does_not_read_does_not_keep_the_server_from_stopping() -> None:
    shown = threading.Event()

    def board(visitor: Visitor) -> dict[str, Any]:
        shown.set()
        return {"vote": "x" * 16_000_000}

    server = serve(chat(), token=True, limits=Limits(send_deadline=0.2))
    assert server.gate is not None
    server.gate.board = board
    silent = unresponsive(server, "/join/live", cookie(join(server, "Eve")))
    assert shown.wait(PATIENCE)
    server.stop(PATIENCE)
    assert not server.running
    until_closed(silent)
    silent.close()


def test_a_page_that_lost_its_socket_asks_why(server: Server) -> None:
    gate = server.gate
    assert gate is not None
    eve = join(server, "Eve")
    assert eve.get("/join/live").status_code == 204
    assert server.submit(gate.kick("Eve")).result(PATIENCE)
    kicked = eve.get("/join/live")
    assert (kicked.status_code, "ended your visit" in kicked.text) == (403, True)
    stranger = httpx.get(f"{address(server)}/join/live", headers={"accept-language": "tr"})
    assert (stranger.status_code, "yeni bir kodu var" in stranger.text) == (403, True)
    assert gate.refused == {}


# -- what programs and apps see


def test_a_program_is_a_guest_as_long_as_it_is_connected(server: Server) -> None:
    assert server.gate is not None
    with connect(f"{server.ws_url}/ws?name=%E2%80%AEbot", proxy=None), connect(f"{server.ws_url}/ws", proxy=None):
        people = server.gate.people.snapshot()
        assert [(person.nickname, person.guest, person.state) for person in people] == [
            ("bot", True, "here"),
            ("guest", True, "here"),
        ]
    wait_until(lambda: server.gate is not None and server.gate.people.snapshot() == ())


def test_where_an_apps_websocket_is() -> None:
    app = FastAPI()
    assert socket_path(app, "Ada") is None

    @app.websocket("/rooms/{who}/chat")
    async def room(websocket: WebSocket, who: str) -> None: ...

    assert socket_path(app, "a/b?c") == "/rooms/a%2Fb%3Fc/chat?name=a%2Fb%3Fc"
    assert socket_path(chat(), "Ada") == "/ws?name=Ada"
    assert socket_path(lambda scope, receive, send: None, "Ada") == "/ws?name=Ada"


def test_the_first_refusal_of_a_kind_is_logged(server: Server) -> None:
    for _ in range(3):
        httpx.get(f"{address(server)}/docs")
    assert [entry.text for entry in server.log if entry.kind == "log"] == ["gate: refused (token) 127.0.0.1"]


def test_pages_of_the_notebook_still_reach_it(server: Server) -> None:
    probe = httpx.get(f"{server.url}/.well-known/wslab", headers={"origin": "http://127.0.0.1:8888"})
    assert probe.status_code == 200
    assert httpx.get(f"{address(server)}/.well-known/wslab").status_code == 403
    assert cookie(join(server, "Ada"))
