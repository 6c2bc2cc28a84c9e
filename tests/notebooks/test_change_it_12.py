"""What the “Change it” tasks of unit 12 show when they are carried out literally."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from tests.notebooks.changing import Unit, opened
from tests.notebooks.new_cells import write

pytestmark = [
    pytest.mark.notebook,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows"),
]


@pytest.fixture(scope="module")
def unit() -> Iterator[Unit]:
    with opened("12") as unit:
        yield unit
        write(unit, "stop_all()\npost.stop()")


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
