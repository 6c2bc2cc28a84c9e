"""Every “Change it” of unit 01, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order

pytestmark = pytest.mark.notebook


def test_a_route_for_get_is_none_for_a_websocket(unit: Unit) -> None:
    shown = unit.run('await knock(f"{site.ws_url}/ws")', ('knock(f"{site.ws_url}/ws")', 'knock(f"{site.ws_url}/")'))
    assert shown.startswith("404")
    assert "403" in shown


def test_without_an_answer_the_clients_own_deadline_ends_the_wait(unit: Unit) -> None:
    append = "    connected_clients.append(websocket)\n"
    unit.run("silent = serve(app)", (append, append + "    await asyncio.sleep(60)\n"))
    assert "TimeoutError" in unit.run('await knock(f"{silent.ws_url}/ws")')
    unit.run("silent = serve(app)")
    assert "500" in unit.run('await knock(f"{silent.ws_url}/ws")')


def test_a_close_of_ones_own_is_what_the_client_shows(unit: Unit) -> None:
    append = "    connected_clients.append(websocket)\n"
    unit.run("brief = serve(app)", (append, append + "    await websocket.close()\n"))
    shown = unit.run("brief.ws_url")
    assert shown.startswith("ConnectionClosedOK · 1")
    assert "1000" in shown


def test_without_the_if_four_are_sent_and_ada_gets_two(unit: Unit) -> None:
    unit.run("relay = serve(app)", ("if client != websocket:", "if True:"))
    shown = unit.run("as cem:")
    assert shown.count("Mesajınız: Merhaba") == 1
    assert "4 messages" in shown
    unit.run("relay = serve(app)")
    shown = unit.run("as cem:")
    assert "4 messages" not in shown


def test_a_handler_that_sleeps_keeps_a_client_that_left(unit: Unit) -> None:
    answer = '            await websocket.send_text(f"Mesajınız: {data}")\n'
    unit.run("chat = serve(app)", (answer, answer + "            await asyncio.sleep(2)\n"))
    assert unit.run("bora_after_ada(chat)").startswith("1\n")
    unit.run("chat = serve(app)")
    assert unit.run("bora_after_ada(chat)").startswith("0\n")
    assert unit.run("mine == theirs").strip().endswith("True")


test_again_and_out_of_order = again_and_out_of_order
