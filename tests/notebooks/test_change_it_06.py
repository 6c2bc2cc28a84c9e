"""Every “Change it” of unit 06, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order

pytestmark = pytest.mark.notebook


def test_a_code_of_one_s_own(unit: Unit) -> None:
    shown = unit.run("reason=Normal%20closure", ("1000?reason=Normal%20closure", "4000?reason=mola"))
    assert "ConnectionClosedError · 4000 · mola" in shown


def test_a_reason_of_one_byte_letters(unit: Unit) -> None:
    shown = unit.run("{'ı' * letters}", ("'ı'", "'i'"), ("123, 125", "123, 124, 125"))
    assert all(line in shown for line in ("123 1000\n", "124 1006\n", "125 1006\n"))
    assert "123" in shown.split("125 1006")[1]


def test_a_goodbye_is_not_a_fault(unit: Unit) -> None:
    goodbye = ("        1 / 0", "        raise WebSocketDisconnect(1000)")
    shown = unit.run("async def honest", goodbye)
    assert "ConnectionClosedError · 1011" in shown
    assert "WebSocketDisconnect: 1000" in shown
    caught = ("    except Exception:", "    except WebSocketDisconnect:\n        pass\n    except Exception:")
    shown = unit.run("async def honest", goodbye, caught)
    assert "ConnectionClosedError · 1006" in shown
    assert "[]" in shown


def test_a_readable_refusal_does_not_spoil_the_table(unit: Unit) -> None:
    measured = 'predict("06.door").outcome'
    unit.run(
        "async def door(", ("    await websocket.close", "    await websocket.accept()\n    await websocket.close")
    )
    shown = unit.run(measured)
    assert "ConnectionClosedError 'olmaz' [1008, 1008] True" in shown
    assert "1008" in shown.splitlines()[-2]
    unit.run("my_table = {", ('"server: close(1008), no accept()": ...', '"server: close(1008), no accept()": 403'))
    assert "| `server: close(1008), no accept()` | 403 | **403** | = | [] |" in unit.run("rows = [")
    unit.run("my_table = {")
    unit.run("async def door(")
    assert "InvalidStatus '' [] False" in unit.run(measured)


def test_a_fin_after_a_message(unit: Unit) -> None:
    unit.run("async def fin(", ("def fin(client):\n", 'def fin(client):\n    await client.send("Merhaba")\n'))
    shown = unit.run('predict("06.vanish").outcome')
    unit.run("async def fin(")
    assert "fin · 1006 · 1005\nrequest → response → frame → fin" in shown


def test_sending_after_one_s_own_close(unit: Unit) -> None:
    unit.run("async def once_more", ("receive_text()", 'send_text("selam")'))
    shown = unit.run('predict("06.after").outcome')
    unit.run("async def once_more")
    assert 'Cannot call "send" once a close message has been sent.' in shown


def test_the_table_filled_in(unit: Unit) -> None:
    right = ('"client: close()": ...', '"client: close()": 1000')
    wrong = ('"client: RST": ...', '"client: RST": 1006')
    unit.run("my_table = {", right, wrong)
    shown = unit.run("rows = [")
    unit.run("my_table = {")
    assert "| `client: close()` | 1000 | **1000** | = |" in shown
    assert "| `client: RST` | 1006 | **1005** | ≠ |" in shown
    assert "| `client: FIN` | – | **1005** |  |" in shown


test_again_and_out_of_order = again_and_out_of_order
