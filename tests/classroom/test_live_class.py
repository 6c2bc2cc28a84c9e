"""classroom(): the way in, who is there, votes over real sockets, and what is said when it cannot be."""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from tests.gate.visitors import PATIENCE, chat, join, socket_of, token, wait_until
from websockets.sync.client import ClientConnection, connect

import wslab
from wslab.classroom import Classroom, ClassroomError, classroom
from wslab.language import use_language
from wslab.predictions import PredictionError
from wslab.recording import record
from wslab.serving import Server, serve


@pytest.fixture
def server() -> Iterator[Server]:
    with serve(chat(), token=True, name="sohbet") as running:
        yield running


@pytest.fixture
def room(server: Server) -> Classroom:
    return classroom(server)


def board(live: ClientConnection, until: Any) -> dict[str, Any]:
    """The first state of a page for which `until` holds."""
    while True:
        vote = json.loads(live.recv(PATIENCE)).get("vote")
        if vote is not None and until(vote):
            assert isinstance(vote, dict)
            return vote


def test_the_public_names() -> None:
    assert wslab.classroom is classroom
    assert wslab.Limits(people=3).people == 3


def test_the_way_in(server: Server, room: Classroom) -> None:
    assert room.links == (f"http://127.0.0.1:{server.port}/join/{token(server)}",)
    html = room._repr_html_()
    (alt,) = re.findall(r'<img alt="([^"]*)"', html)
    assert alt == f"QR code that leads to {room.links[0]}"
    svg = base64.b64decode(re.findall(r"base64,([^\"]+)", html)[0]).decode()
    assert svg.startswith("<svg")
    assert "<script" not in svg
    assert room.token in html
    assert room.links[0] in repr(room)
    assert room.links[0] in repr(room.poster())
    assert "wslab-large" in room.poster()._repr_html_()
    assert classroom(server) is room


def test_on_all_addresses_the_links_lead_to_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules[Classroom.__module__]  # wslab.classroom is the function, as a notebook wants it
    monkeypatch.setattr(module, "reachable_at", lambda host: ("192.168.1.5", "10.0.0.7"))
    with serve(chat(), host="0.0.0.0", token=True) as server:
        room = classroom(server)
        assert room.links[1] == f"http://10.0.0.7:{server.port}/join/{room.token}"
        use_language("tr")
        html = room._repr_html_()
        assert html.count("<img") == 1
        assert "10.0.0.7" in html.split("Açılmıyorsa")[1]


def test_who_is_in(room: Classroom, server: Server) -> None:
    nickname = "<img src=x>"
    with socket_of(join(server, nickname)) as page:
        page.send("one")
        page.recv(PATIENCE)
        (person,) = room.people
        assert (person.nickname, person.messages, person.sockets, person.state) == (nickname, 1, 1, "here")
        html = room._repr_html_()
        assert "<td><bdi>&lt;img src=x&gt;</bdi></td>" in html
        assert "<img src=x>" not in html
        assert "1 here, 1 joined" in repr(room)
    wait_until(lambda: room.people[0].state == "away")


def test_a_vote_reaches_every_page_and_counts_each_person_once(room: Classroom, server: Server) -> None:
    ada, bora = join(server, "Ada"), join(server, "Bora", "tr")
    with (
        socket_of(ada, "/join/live") as one,
        socket_of(ada, "/join/live") as same,
        socket_of(bora, "/join/live") as two,
    ):
        vote = room.vote("07.order")
        shown = board(one, lambda vote: vote["open"])
        assert shown["options"][3]["text"].startswith("No order can be told")
        assert board(two, lambda vote: vote["open"])["options"][3]["text"].startswith("Sıra bilinemez")
        for page, choice in ((one, "queue"), (same, "any"), (two, "by-message")):
            page.send(json.dumps({"vote": shown["id"], "choice": choice}))
            board(page, lambda vote, choice=choice: vote["yours"] == choice)
        for nonsense in ("", "{", "[]", "null", '{"vote": {}}', '{"choice": 1}', "x" * 5_000, "[" * 4_000):
            two.send(nonsense)
        with connect(f"{server.ws_url}/ws", proxy=None):  # a program has no vote
            closed = room.close_vote()
        assert closed.answers == {"Ada": "any", "Bora": "by-message"}
        assert closed.people == 2
        assert not board(one, lambda vote: not vote["open"])["right"]
        vote.reveal()
        assert board(two, lambda vote: vote["right"])["right"] == "by-message"
    assert room.votes == (vote.split(),)


def test_who_joins_later_is_asked_too_and_a_new_question_closes_the_old(room: Classroom, server: Server) -> None:
    first = room.vote("07.order")
    second = room.vote("07.threads")
    assert not first.open
    with socket_of(join(server, "Cem"), "/join/live") as late:
        assert board(late, lambda vote: vote["open"])["kind"] == "number"
    assert [tally.key for tally in room.votes] == ["07.order", "07.threads"]
    assert second.open


def test_the_projector_does_not_tell_how_others_vote(room: Classroom, server: Server) -> None:
    vote = room.vote("07.order")
    with socket_of(join(server, "Ada"), "/join/live") as page:
        shown = board(page, lambda vote: vote["open"])
        page.send(json.dumps({"vote": shown["id"], "choice": "queue"}))
        board(page, lambda vote: vote["yours"])
    assert "1 of 1 have voted" in room._repr_html_()
    assert 'class="wslab-bar"' not in room._repr_html_()
    vote.close()
    assert 'class="wslab-bar"' in room._repr_html_()


def test_kicking_and_locking(room: Classroom, server: Server) -> None:
    ada, eve = join(server, "Ada"), join(server, "Eve")
    with socket_of(eve, "/join/live") as page:
        vote = room.vote("07.order")
        page.send(json.dumps({"vote": board(page, lambda vote: True)["id"], "choice": "any"}))
        board(page, lambda vote: vote["yours"])
        room.lock()
        room.kick("Eve")
    assert vote.close().answers == {}
    assert [person.nickname for person in room.people] == ["Ada"]
    with pytest.raises(ClassroomError, match="Nobody here is called “Eve”"):
        room.kick("Eve")
    form = {"code": room.token, "nickname": "Eve", "lang": "en"}
    assert "ended your visit" in eve.post("/join", data=form).text
    assert "Eve" in room._repr_html_().split("let_in")[0]
    assert "kept out: Eve" in repr(room)
    with pytest.raises(ClassroomError, match=r"“eve” is kept out\. Kept out are: Eve"):
        room.let_in("eve")
    assert room.kept_out == ("Eve",)
    room.let_in("Eve")
    assert room.kept_out == ()
    assert "closed the door" in eve.post("/join", data=form).text
    assert ada.get("/").status_code == 200
    assert "the door is closed" in repr(room)
    room.unlock()
    assert eve.post("/join", data=form).status_code == 303
    assert "the door was closed 1" in repr(room)


def test_who_joins_again_in_the_same_browser_keeps_the_vote(room: Classroom, server: Server) -> None:
    ada = join(server, "Ada")
    with socket_of(ada, "/join/live") as page:
        vote = room.vote("07.order")
        page.send(json.dumps({"vote": board(page, lambda vote: True)["id"], "choice": "any"}))
        board(page, lambda vote: vote["yours"])
        for nickname in ("Bora", "Cem"):
            form = {"code": room.token, "nickname": nickname, "lang": "en"}
            assert ada.post("/join", data=form).status_code == 303
    assert vote.close().answers == {"Cem": "any"}
    assert vote.close().people == 1


def test_a_handler_that_holds_the_loop_is_named_and_the_visit_ends_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Classroom.__module__], "_LOOP_DEADLINE", 0.0)
    app = FastAPI()
    held, free = threading.Event(), threading.Event()

    @app.websocket("/ws")
    async def hold(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_text()
        held.set()
        free.wait(6 * PATIENCE)

    with serve(app, token=True, limits=wslab.Limits(send_deadline=0.3)) as server:
        room = classroom(server)
        join(server, "Eve")
        with connect(f"{server.ws_url}/ws", proxy=None, close_timeout=0.1) as program:
            program.send("hold it")
            try:
                assert held.wait(PATIENCE)
                with pytest.raises(ClassroomError, match=r"within 0.3 s: .*test_live_class\.py.* holds the event loop"):
                    room.kick("Eve")
                use_language("tr")
                with pytest.raises(ClassroomError, match=r"0,3 saniye içinde .*olay döngüsünü .*test_live_class\.py"):
                    room.kick("Eve")
            finally:
                free.set()
            wait_until(lambda: "Eve" not in [person.nickname for person in room.people])


def test_the_timeline_has_a_lane_for_each_who_joins(room: Classroom, server: Server) -> None:
    ada, bora = join(server, "Ada"), join(server, "Bora")
    with record(server) as film, socket_of(ada) as one, socket_of(ada, "/join/live"), socket_of(bora) as two:
        one.send("hello")
        assert two.recv(PATIENCE) == "hello"
    names = [lane.name for lane in film.lanes if lane.kind == "connection"]
    assert names == ["endpoint · Ada", "endpoint · Bora"]


def test_what_cannot_be_is_said_in_a_sentence(room: Classroom, server: Server) -> None:
    with pytest.raises(ClassroomError, match="There is no vote yet"):
        room.close_vote()
    with pytest.raises(PredictionError, match="no prediction “ordr”"):
        room.vote("07.ordr")
    with serve(chat()) as private, pytest.raises(ClassroomError, match="is not shared with a class"):
        classroom(private)
    with pytest.raises(ClassroomError, match="it got <fastapi"):
        classroom(chat())  # type: ignore[arg-type]


def test_with_the_server_the_class_ends(room: Classroom, server: Server) -> None:
    join(server, "Ada")
    vote = room.vote("07.order")
    server.restart()
    assert room.links == ()
    assert "has stopped" in room._repr_html_()
    with pytest.raises(ClassroomError, match="stopped"):
        room.vote("07.order")
    assert vote.close().people == 1
    again = classroom(server)
    assert again is not room
    assert (again.people, again.token != room.token) == ((), True)
    server.stop()
    with pytest.raises(ClassroomError, match="stopped"):
        classroom(server)
