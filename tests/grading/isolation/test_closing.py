"""A venue that is closed while its process is being started: nothing is left running, and no thread stumbles."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from wslab.grading.isolation.isolated import Isolated
from wslab.grading.task import Cell, Limits

PATIENCE = 30.0


class Slow:
    """Takes the place of a learner's process: it begins when it is let, and says nothing until it is ended."""

    made: list[Slow]
    being_made: threading.Event
    may_be_made: threading.Event
    listened_to: threading.Event
    too_much_memory = runs_commands = False
    folder = ""
    ended = False
    folder = ""
    runs_commands = False

    def __init__(self, *_: object) -> None:
        self.killed = threading.Event()
        self.channel = self
        self.cut = False
        self.made.append(self)
        self.being_made.set()
        assert self.may_be_made.wait(PATIENCE)

    def send(self, *_: object) -> bool:
        return True

    def receive(self, *_: object) -> dict[str, Any] | None:
        self.listened_to.set()
        assert self.killed.wait(PATIENCE)
        raise EOFError

    def kill(self) -> None:
        self.killed.set()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> type[Slow]:
    Slow.made = []
    Slow.being_made, Slow.may_be_made, Slow.listened_to = threading.Event(), threading.Event(), threading.Event()
    monkeypatch.setattr("wslab.grading.isolation.isolated.Confined", Slow)
    return Slow


def isolated() -> Isolated:
    return Isolated((Cell("In[1]", "app = None"),), "app", "en", Limits(), None)


def test_a_process_that_comes_too_late_is_ended(slow: type[Slow]) -> None:
    async def given_up() -> None:
        one = isolated()
        starting = asyncio.create_task(one.start())
        assert await asyncio.to_thread(slow.being_made.wait, PATIENCE)
        starting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await starting
        one.close()
        slow.may_be_made.set()
        await asyncio.get_running_loop().shutdown_default_executor()
        assert [process.killed.is_set() for process in slow.made] == [True]

    asyncio.run(given_up())


def test_what_is_closed_while_it_listens_says_nothing_of_it(slow: type[Slow]) -> None:
    slow.may_be_made.set()
    one = isolated()
    with ThreadPoolExecutor(1) as pool:
        starting = pool.submit(asyncio.run, one.start())
        assert slow.listened_to.wait(PATIENCE)
        one.close()
        assert starting.result(PATIENCE) is None
    assert [process.killed.is_set() for process in slow.made] == [True]
    assert not one.notes


def test_what_is_closed_starts_nothing_again(slow: type[Slow]) -> None:
    slow.may_be_made.set()
    one = isolated()
    one.close()
    asyncio.run(one.start())
    assert all(process.killed.is_set() for process in slow.made)
