"""What the “Change it” tasks of unit 12 show when they are carried out literally."""

from __future__ import annotations

import ast
import sys

import pytest
from tests.notebooks.changing import Unit, again_and_out_of_order
from tests.notebooks.new_cells import write

from wslab import proxy

needs_nginx = pytest.mark.skipif(proxy._program() is None, reason="there is no nginx on this machine")

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows"),
]


def test_three_processes(unit: Unit) -> None:
    unit.run("alone = serve(", ("processes=2", "processes=3"))
    unit.run('predict("12.heard").outcome(')
    assert write(unit, "print(hearers, len(counts))").split() == ["3", "9"]
    unit.run("alone = serve(")


def test_another_channel(unit: Unit) -> None:
    unit.run("%%writefile room_joined.py", ('publish("room", text)', 'publish("hall", text)'))
    assert unit.run("joined = serve(").strip() == "0"
    unit.run("%%writefile room_joined.py")
    assert unit.run("joined = serve(").strip() == "6"


def test_back_without_the_last_number(unit: Unit) -> None:
    for change, said in ((("?last={last}", "?last=0"),), "bir"), ((), "iki"):
        unit.run("async def come_back(", *change)
        unit.run('predict("12.back").outcome(')
        shown = unit.run('print("those who came back:"').split("those who came back:")[1].splitlines()
        assert [line.split()[1] for line in shown if line.strip()] == [said] * 3


@needs_nginx
def test_a_proxy_without_one_of_its_lines(unit: Unit) -> None:
    asks = "await through(upgrade, handshake)"
    assert unit.run(asks, ("proxy_set_header Connection upgrade;\n", "")).strip() == "404"
    assert unit.run(asks, ("proxy_http_version 1.1;\n", "")).strip() == "101"
    assert unit.run(asks).strip() == "101"


@needs_nginx
def test_pings_through_a_proxy(unit: Unit) -> None:
    unit.run("inner = serve(mirror_app)", ("serve(mirror_app)", "serve(mirror_app, ws_ping_interval=0.2)"))
    unit.run("async def stay(", ("proxy_read_timeout 1s;", "proxy_read_timeout 2s;"))
    assert write(unit, "print(code)").strip() == "open"
    unit.run("inner = serve(mirror_app)")
    unit.run("async def stay(")
    assert write(unit, "print(code)").strip() == "1006"


@needs_nginx
def test_rooms_that_nginx_does_not_see(unit: Unit) -> None:
    asks = 'await spread("hash $arg_room consistent;", by_room)'
    without = ast.literal_eval(unit.run(asks, ("?room=", "?hall=")))
    assert [set(names.split()) for names in without.values()] == [{"A", "B"}] * 8
    assert [len(set(names.split())) for names in ast.literal_eval(unit.run(asks)).values()] == [1] * 8


def test_where_nginx_is_missing_the_cells_say_so(unit: Unit) -> None:
    write(unit, "import wslab.proxy; found = wslab.proxy._program; wslab.proxy._program = lambda: None")
    try:
        for marker in ('predict("12.proxy").outcome(', 'predict("12.idle").outcome(', 'predict("12.who").outcome('):
            shown = unit.run(marker)
            assert "nginx is not on this machine" in shown
            assert "404" in shown or "1006" in shown or "127.0.0.1" in shown
        assert "nginx is not on this machine" in unit.run("await through(upgrade, handshake)")
        assert "nginx is not on this machine" in unit.run("async def lie(")
        shown = unit.run('predict("12.sticky").outcome(')
        assert "nginx is not on this machine" in shown
        assert "A, B, A, B" in shown
        for rule in ("ip_hash;", "hash $arg_room consistent;"):
            assert "nginx is not on this machine" in unit.run(f'await spread("{rule}"')
    finally:
        write(unit, "wslab.proxy._program = found")


def test_one_process_after_the_other(unit: Unit) -> None:
    unit.run("async def sigterm(", ("signal.SIGTERM", "signal.SIGHUP"))
    unit.run('predict("12.goodbye").outcome(')
    said = write(unit, "print(*received, ended, *(entry.text for entry in closing.log), sep='|')").split("|")
    assert said[:2] == ["1012", "False"]
    assert [text.partition(" [")[0] for text in said if text.startswith(("starts", "Terminated"))] == [
        "starts",
        "starts",
        "Terminated child process",
    ]
    unit.run("async def sigterm(")
    unit.run('predict("12.goodbye").outcome(')
    assert write(unit, "print(*received, ended)").split() == ["1012", "True"]


test_again_and_out_of_order = again_and_out_of_order
