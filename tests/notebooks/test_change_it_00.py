"""What unit 00 asks to be changed or written shows what its text promises."""

from __future__ import annotations

import ast

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write
from tests.ports import free_port

pytestmark = pytest.mark.notebook


def test_page_and_python_client_chat(unit: Unit) -> None:
    """Section 1: one's own words come back, and so does what another client has said meanwhile."""
    chat, join, talk, leave = "chat = serve(", "me = await websockets.connect", "await me.send", "await me.close()"
    unit.run(chat)
    unit.run(join)
    words = ("Merhaba, ben Python!", "Selam")
    assert unit.run(talk, words).splitlines() == ["Mesajınız: Selam"]
    write(
        unit,
        "async with websockets.connect(f'{chat.ws_url}/ws') as page:\n"
        "    await page.send('Buradayım')\n"
        "    await asyncio.wait_for(page.recv(), 5)",
    )
    assert unit.run(talk, words).splitlines() == ["Başka bir istemciden: Buradayım", "Mesajınız: Selam"]
    unit.run(leave)
    assert unit.run(talk).startswith("ConnectionClosed")
    unit.run(join)
    assert unit.run(talk, words).splitlines() == ["Mesajınız: Selam"]
    unit.run(leave)


def test_the_servers_loop_is_another_one(unit: Unit) -> None:
    shown = unit.run(
        "server = serve(app)",
        (
            'return {"thread": threading.current_thread().name}',
            'return {"thread": threading.current_thread().name, "loop": id(asyncio.get_running_loop())}',
        ),
    )
    answer = ast.literal_eval(shown.splitlines()[0])
    assert answer["loop"] != int(write(unit, "id(asyncio.get_running_loop())"))
    assert write(unit, "len(servers())") == "1"


def test_the_second_server_takes_the_fixed_port_of_the_first(unit: Unit) -> None:
    port = free_port()
    counts = []
    for _ in range(2):
        shown = unit.run("server = serve(app)", ("server = serve(app)", f"server = serve(app, port={port})"))
        assert f":{port}" in shown
        counts.append(write(unit, "len(servers())"))
    assert counts[0] == counts[1]


def test_one_long_call_into_c_keeps_the_server_from_answering(unit: Unit) -> None:
    unit.run("server = serve(app)")
    assert unit.run("sum(range(").split() == ["[]", "[200]"]


test_again_and_out_of_order = again_and_out_of_order
