"""What a place in code is called."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import pytest

from wslab.recording import naming, places
from wslab.recording.places import Stand, describe


def standing(coroutine: Any) -> places.View:
    """Run a coroutine up to its first suspension and look where it stands."""
    coroutine.send(None)
    view = places.look(coroutine)
    coroutine.close()
    return view


def told(coroutine: Any) -> str:
    stand = standing(coroutine).stand
    assert stand is not None
    return describe(stand).code


async def nap() -> None:
    await asyncio.sleep(0)


def test_the_exact_expression() -> None:
    async def one() -> None:
        print(await nap_twice(1), "ş", sep="")

    async def nap_twice(number: int) -> int:
        x = [number, (await asyncio.sleep(0, "ğüşı"))]
        return len(x)

    assert told(one()) == 'await asyncio.sleep(0, "ğüşı")'


def test_over_several_lines_on_one() -> None:
    async def one() -> None:
        await asyncio.sleep(
            0,
            result="a very long result that makes this expression longer than anybody would like to read in a picture",
        )

    text = told(one())
    assert text.startswith("await asyncio.sleep( 0, result=")
    assert text.endswith("…")
    assert len(text) == 90


def test_where_the_expression_alone_says_too_little_the_line_stands_there() -> None:
    class Door:
        async def __aenter__(self) -> None:
            await asyncio.sleep(0)

        async def __aexit__(self, *_: object) -> None: ...

    async def one() -> None:
        async with Door():
            pass

    # The deepest line of the learner's is the one in the context manager, if the learner wrote that.
    assert told(one()) == "await asyncio.sleep(0)"

    async def two() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.sleep(0))

    assert told_in_loop(two()) == "async with asyncio.TaskGroup() as group:"


def told_in_loop(coroutine: Any) -> str:
    async def main() -> str:
        task = asyncio.ensure_future(coroutine)
        await asyncio.sleep(0)
        stand = places.look(task.get_coro()).stand
        await task
        assert stand is not None
        return describe(stand).code

    return asyncio.run(main())


def test_without_its_source_a_place_is_its_function() -> None:
    names: dict[str, Any] = {"asyncio": asyncio}
    exec(compile("async def typed():\n    await asyncio.sleep(0)\n", "<ipython-input-9-abc>", "exec"), names)
    assert told(names["typed"]()) == "typed()"


def test_a_library_is_named_where_no_line_of_the_learners_is() -> None:
    from starlette.concurrency import run_in_threadpool
    from starlette.routing import request_response

    async def main() -> tuple[places.View, places.View]:
        async def send(message: object) -> None: ...

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        def endpoint(request: object) -> Any:
            from starlette.responses import PlainTextResponse

            return PlainTextResponse("x")

        app = request_response(endpoint)
        scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}
        answering = asyncio.ensure_future(app(scope, receive, send))  # type: ignore[arg-type]
        bare = asyncio.ensure_future(run_in_threadpool(len, "abc"))
        await asyncio.sleep(0)
        views = places.look(answering.get_coro()), places.look(bare.get_coro())
        await asyncio.gather(answering, bare)
        return views

    view, bare = asyncio.run(main())
    assert (view.anchor, view.outermost) == (None, None)
    assert view.stand is not None
    assert describe(view.stand).where == "starlette/routing.py"
    assert not describe(view.stand).user
    assert bare.stand is None  # nothing above the thread pool says anything


def test_a_plain_future_has_no_place() -> None:
    assert places.look(object()) == places.View(None, None, None)
    assert places.running_line(None) is None


def test_the_running_line_is_the_learners_deepest() -> None:
    stand = places.running_line(sys._getframe())
    assert stand is not None
    assert stand.code is sys._getframe().f_code
    assert describe(stand).where == "test_places.py"
    assert describe(Stand(nap.__code__, 0)).function == "nap"


class Named:
    def __init__(self, name: str) -> None:
        self.name = name

    def get_name(self) -> str:
        return self.name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("broadcaster", ("broadcaster", "nap")),
        ("every 0.2 s", ("every 0.2 s", "nap")),
        ("Task-17", ("", "nap")),
        ("None", ("", "nap")),
        ("asyncio.tasks.f.<locals>.coro", ("", "coro")),
        ("room.blue", ("room.blue", "nap")),
    ],
)
def test_a_name_is_the_learners_if_no_machine_made_it(name: str, expected: tuple[str, str]) -> None:
    coroutine = nap()
    assert naming.task_names(Named(name), coroutine) == expected
    coroutine.close()


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ({"query_string": b"name=%C4%B0nci", "client": ("::1", 5)}, "İnci"),
        ({"query_string": b"x=1", "path_params": {"room": "blue"}}, "blue"),
        ({"client": ("127.0.0.1", 50123)}, "port 50123"),
        ({"query_string": b"name=<script>alert(1)</script>" + b"x" * 500}, "<script>alert(1)</script>xx…"),
        ({"query_string": b"name=a%00%0Ab"}, "a b"),
        ({"client": None}, ""),
    ],
)
def test_who_is_on_the_other_end(scope: dict[str, Any], expected: str) -> None:
    assert naming.caller_of(scope) == expected


def test_names_of_scopes() -> None:
    http = {"type": "http", "method": "GET", "path": "/items/3"}
    assert naming.scope_name(http, "item") == "item · GET /items/3"
    assert naming.scope_name({"type": "lifespan"}, "") == "lifespan"
    assert naming.scope_name({"type": "lifespan"}, "startup") == "startup"
    assert naming.scope_name({"type": "websocket", "query_string": b"name=Ada"}, "ws") == "ws · Ada"


def test_a_functions_name() -> None:
    assert naming.function_name("make.<locals>.endpoint", "x.py") == "endpoint"
    assert naming.function_name("Logger.__call__", "x.py") == "Logger"
    assert naming.function_name("<module>", "/home/ada/server.py") == "server.py"


def test_a_block_is_named_by_the_line_of_the_coroutine_that_called_it() -> None:
    seen = []

    def inner() -> None:
        seen.append(places.blocking_lines(sys._getframe()))

    def helper() -> None:
        inner()

    async def handler() -> None:
        helper()

    coroutine = handler()
    with pytest.raises(StopIteration):
        coroutine.send(None)
    ((deepest, calling),) = seen
    assert deepest is not None
    assert calling is not None
    assert (describe(deepest).function.rpartition(".")[2], describe(calling).code) == ("inner", "helper()")
