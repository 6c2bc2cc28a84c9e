"""Every “Change it” of unit 11, carried out in a kernel, shows what the text promises."""

from __future__ import annotations

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order

pytestmark = pytest.mark.notebook

FOURTH = """async def test_another_origin_is_refused(url):
    status, _ = await visit(f"{url}/ws?token=gizli", origin="https://kotu.example")
    assert status == 403


TESTS = [test_another_origin_is_refused, """


def test_who_sends_no_origin_is_refused(unit: Unit) -> None:
    shown = unit.run("async def known_origin", ("origin is not None and ", ""))
    assert shown.splitlines()[-1].startswith("None · 403")


def test_bytes_can_be_compared(unit: Unit) -> None:
    unit.run("comparing = serve(app)", ('compare_digest(token, "gizli")', 'compare_digest(token.encode(), b"gizli")'))
    shown = unit.run('predict("11.digest").outcome')
    assert shown.splitlines()[:4] == ["gizli 101", "gizl 403", "gizlı 403", "[]"]


def test_http_connection_is_passed(unit: Unit) -> None:
    unit.run("async def from_http", ("request: Request", "request: HTTPConnection"))
    shown = unit.run('predict("11.request").outcome')
    assert shown.splitlines()[0] == "[]"
    assert "101" in shown


def test_the_whole_error_tells_about_the_inside(unit: Unit) -> None:
    shown = unit.run("typed = serve(app)", ('error.errors()[0]["type"]', "str(error)"))
    for told in ("move.x", "sol", "https://errors.pydantic.dev/"):
        assert told in shown


def test_small_messages_show_no_fault(unit: Unit) -> None:
    unit.run("newsroom = serve(app)", ("token_hex(500_000)", "token_hex(500)"))
    shown = unit.run('predict("11.loop").outcome')
    assert "(measured: 0)" in shown


def test_a_fourth_test_finds_the_third_fault(unit: Unit) -> None:
    unit.run("async def test_it_connects", ("TESTS = [", FOURTH))
    shown = unit.run('predict("11.worth").outcome')
    assert "test_another_origin_is_refused ['any origin']" in shown
    assert "RIGHT" not in shown


test_again_and_out_of_order = again_and_out_of_order
