"""Every “Change it” of unit 05, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import pytest
from nbclient.exceptions import CellExecutionError
from tests.notebooks.changing import Unit, again_and_out_of_order

pytestmark = pytest.mark.notebook


def test_a_used_coroutine_object(unit: Unit) -> None:
    measured = "[entry.text for entry in patient.log.events]"
    unit.run(
        "patient = serve(app)",
        ("    print(pending)\n", ""),
        ("    await pending\n", "    await pending\n    print(pending)\n"),
    )
    shown = unit.run(measured)
    unit.run("patient = serve(app)")
    assert shown.index("websocket.accept'") < shown.index("<coroutine object WebSocket.accept")
    shown = unit.run(measured)
    assert shown.index("<coroutine object WebSocket.accept") < shown.index("websocket.connect")


def test_a_task_without_a_turn(unit: Unit) -> None:
    with pytest.raises(CellExecutionError, match="server rejected WebSocket connection: HTTP 500"):
        unit.run("eager = serve(app)", ("    await asyncio.sleep(0.2)\n", ""))
    assert "Merhaba" in unit.run("eager = serve(app)")


def test_append_between_the_sleep_and_accept(unit: Unit) -> None:
    append = "    connected_clients.append(websocket)\n"
    moved = ("    await websocket.accept()\n" + append, append + "    await websocket.accept()\n")
    assert "Ada None · Bora 101" in unit.run("careful = serve(app)", moved)


def test_the_orders_to_try(unit: Unit) -> None:
    shuffled = '["finally", "accept", "loop", "call", "try", "register"]'
    shown = unit.run("order = [", (shuffled, '["accept", "try", "loop", "finally", "register"]'))
    assert "Mesajınız: Merhaba" in shown
    assert "✗ Ada's message did not reach Bora." in shown
    for order in ('["register", "try", "loop", "finally", "accept"]', '["call", "register", "try", "loop", "finally"]'):
        shown = unit.run("order = [", (shuffled, order))
        assert "HTTP 500" in shown
        assert "✗ Bora and Ada were not let in" in shown
    right = '["accept", "register", "try", "loop", "finally"]'
    assert "✓ Right" in unit.run("order = [", (shuffled, right))
    assert "✗ Not Python yet" in unit.run("order = [")


test_again_and_out_of_order = again_and_out_of_order
