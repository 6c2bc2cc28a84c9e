"""Sixty browsers at once, hostile ones among them: the lesson goes on."""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.gate.visitors import address, chat, token
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from wslab.classroom import Classroom, classroom
from wslab.gate import Limits
from wslab.serving import Server, serve

pytestmark = pytest.mark.slow

HONEST = 52
HOSTILE = 8
ROUNDS = 1
DEADLINE = 180.0  # seconds for all of it: a quiet machine takes a tenth, a full one had more than 60
APART = sys.platform == "linux"  # elsewhere only 127.0.0.1 is there, and everybody has the same address
LIMITS = Limits() if APART else Limits(people_per_address=80)
SCRIPT = "<script>alert(1)</script"


class Phone:
    """One browser: joins by the link, and holds the app's socket and the gate's."""

    def __init__(self, server: Server, number: int, nickname: str) -> None:
        self.server = server
        self.nickname = nickname
        self.source = f"127.0.1.{number + 1}" if APART else "127.0.0.1"
        self.heard: list[str] = []
        self.awaited: dict[str, asyncio.Event] = {}
        self.http = httpx.AsyncClient(
            base_url=address(server), transport=httpx.AsyncHTTPTransport(local_address=self.source), timeout=DEADLINE
        )
        self.app: ClientConnection
        self.live: ClientConnection

    async def join(self) -> None:
        link = f"/join/{token(self.server)}"
        assert (await self.http.get(link)).status_code == 200
        form = {"code": token(self.server), "nickname": self.nickname, "lang": "en"}
        assert (await self.http.post("/join", data=form)).status_code == 303
        assert (await self.http.get("/join")).status_code == 200

    def connect(self, path: str, **options: Any) -> connect:
        own = address(self.server)
        return connect(
            own.replace("http", "ws", 1) + path,
            **{
                "additional_headers": {"Cookie": "; ".join(f"{k}={v}" for k, v in self.http.cookies.items())},
                "origin": own,
                "local_addr": (self.source, 0),
                "open_timeout": DEADLINE,
                "proxy": None,
                "max_queue": None,
            }
            | options,
        )

    async def listen(self, honest: int) -> None:
        """Until `honest` messages of honest people have come; what a hostile one says counts for nothing."""
        wanted = len(self.heard) + honest
        while len(self.heard) < wanted:
            text = await self.app.recv()
            if isinstance(text, str) and text.startswith("honest "):
                self.heard.append(text)
                if text in self.awaited:
                    self.awaited[text].set()

    async def vote(self, choice: str) -> None:
        while not (vote := json.loads(await self.live.recv()).get("vote")):
            pass
        await self.live.send(json.dumps({"vote": vote["id"], "choice": choice}))
        while json.loads(await self.live.recv())["vote"]["yours"] != choice:
            pass


async def talk(phones: list[Phone], name: str) -> None:
    """Everybody speaks `ROUNDS` times, one after the other as each hears their own, and hears everybody each time."""

    async def speak() -> None:
        for number in range(ROUNDS):
            for phone in phones:
                text = f"honest {name} {number} {phone.nickname}"
                phone.awaited[text] = asyncio.Event()
                await phone.app.send(text)
                await phone.awaited[text].wait()

    await asyncio.gather(speak(), *(phone.listen(ROUNDS * len(phones)) for phone in phones))


@contextlib.asynccontextmanager
async def lateness(server: Server) -> AsyncIterator[list[float]]:
    """How late timers of the server's loop are meanwhile, in seconds."""
    late: list[float] = []

    async def probe() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + 0.005
            await asyncio.sleep(0.005)
            late.append(loop.time() - due)

    task = server.submit(probe())
    try:
        yield late
    finally:
        task.cancel()


def almost_worst(late: list[float]) -> float:
    return statistics.quantiles(late, n=20)[-1]


async def sends_too_much(eve: Phone) -> None:
    async with eve.connect("/ws") as connection:
        with contextlib.suppress(ConnectionClosed):
            await connection.send("x" * 200_000)
        await connection.wait_closed()
        assert connection.close_code == 1009


async def floods(eve: Phone) -> None:
    async with eve.connect("/ws") as connection:
        with contextlib.suppress(ConnectionClosed):
            for number in range(300):
                await connection.send(f"flood {number}")
        await connection.wait_closed()
        assert connection.close_code == 1008


async def guesses(eve: Phone) -> None:
    stranger = httpx.AsyncClient(base_url=address(eve.server), transport=httpx.AsyncHTTPTransport())
    async with stranger:
        for number in range(20):
            reply = await stranger.get(f"/guess-number-{number}/")
            assert reply.status_code in (403, 429)
            form = {"code": f"guess{number}", "nickname": "Eve", "lang": "en"}
            reply = await stranger.post("/join", data=form)
            assert reply.status_code in (403, 429)


async def comes_from_another_site(eve: Phone) -> None:
    with pytest.raises(InvalidStatus):
        async with eve.connect("/ws", origin="http://evil.example"):
            pass


async def rebinds(eve: Phone) -> None:
    reply = await eve.http.get("/", headers={"Host": "evil.example"})
    assert reply.status_code in (421, 429)


async def half_a_request(eve: Phone, head: bytes) -> None:
    """A connection that never finishes what it asks: it is hung up on, and no answer comes."""
    source = (eve.source, 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", eve.server.port, local_addr=source)
    with contextlib.suppress(ConnectionError):
        writer.write(head)
        assert await reader.read() == b""
    writer.close()


async def drips(eve: Phone) -> None:
    await asyncio.gather(*(half_a_request(eve, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n") for _ in range(20)))


async def hoards(eve: Phone) -> None:
    await asyncio.gather(*(half_a_request(eve, b"") for _ in range(80)))


async def votes_often(eve: Phone) -> None:
    """Two pages of one person, each with another opinion, many times."""
    async with eve.connect("/join/live") as one, eve.connect("/join/live") as other:
        vote = json.loads(await one.recv())["vote"]
        for number in range(5):
            for page, choice in ((one, "any"), (other, "queue")):
                await page.send(json.dumps({"vote": vote["id"], "choice": choice, "number": number}))
        # Which of the two spoke last is chance, and the page hears of the newest state, not of each before it.
        while json.loads(await other.recv())["vote"]["yours"] not in ("any", "queue"):
            pass


ATTACKS: tuple[Callable[[Phone], Awaitable[None]], ...] = (
    sends_too_much,
    floods,
    guesses,
    comes_from_another_site,
    rebinds,
    drips,
    hoards,
    votes_often,
)


async def keeps_on(attack: Callable[[Phone], Awaitable[None]], eve: Phone, over: asyncio.Event) -> int:
    """How often the attack ran its course; refused connections are what the gate is for."""
    times = 0
    while True:
        with contextlib.suppress(InvalidStatus, ConnectionError, httpx.TransportError, TimeoutError):
            await attack(eve)
        times += 1
        if over.is_set():
            return times


async def test_the_lesson_goes_on() -> None:
    assert len(ATTACKS) == HOSTILE
    with serve(chat(), token=True, limits=LIMITS) as server:
        room = classroom(server)
        names = [SCRIPT, *(f"Öğrenci {number}" for number in range(1, HONEST))]
        phones = [Phone(server, number, name) for number, name in enumerate(names)]
        hostile = [Phone(server, HONEST + number, attack.__name__) for number, attack in enumerate(ATTACKS)]
        async with contextlib.AsyncExitStack() as stack, asyncio.timeout(DEADLINE):
            for phone in (*phones, *hostile):
                await stack.enter_async_context(phone.http)
            await asyncio.gather(*(phone.join() for phone in (*phones, *hostile)))
            for phone in phones:
                phone.app = await stack.enter_async_context(phone.connect("/ws"))
                phone.live = await stack.enter_async_context(phone.connect("/join/live"))
            assert len(room.people) == HONEST + HOSTILE
            assert {phone.nickname for phone in phones} <= {person.nickname for person in room.people}

            async with lateness(server) as quiet:
                await talk(phones, "alone")
            vote = room.vote("07.order")
            over = asyncio.Event()
            attacks = [
                asyncio.create_task(keeps_on(attack, eve, over)) for attack, eve in zip(ATTACKS, hostile, strict=True)
            ]
            async with lateness(server) as attacked:
                await talk(phones, "attacked")
                await asyncio.gather(*(phone.vote("queue") for phone in phones))
                await asyncio.gather(*(phone.vote("by-message") for phone in phones[::2]))
                await talk(phones, "still attacked")
            over.set()
            assert all(times >= 1 for times in await asyncio.gather(*attacks))

            # Everybody heard everything, in one order for each speaker.
            for phone in phones:
                said = [text for text in phone.heard if text.endswith(f" {phones[1].nickname}")]
                assert said == [
                    f"honest {name} {number} {phones[1].nickname}"
                    for name in ("alone", "attacked", "still attacked")
                    for number in range(ROUNDS)
                ]
                assert len(phone.heard) == len(set(phone.heard)) == 3 * ROUNDS * HONEST
            check_the_vote(room, phones)
            assert vote.close().votes == HONEST + 1
            reasons = {"token", "host", "origin", "slow", "flood"} | ({"connections"} if APART else set())
            assert reasons <= {reason for reason, count in room.refused.items() if count}
            assert not server.log.errors
            assert SCRIPT not in room._repr_html_()
            # A generous ratio to this very run's own quiet; a loop that stood still for somebody would be far above.
            assert min(len(quiet), len(attacked)) > 10
            assert almost_worst(attacked) < 20 * max(almost_worst(quiet), 0.01), (
                almost_worst(quiet),
                almost_worst(attacked),
            )


def check_the_vote(room: Classroom, phones: list[Phone]) -> None:
    """Each person counts once, with the last thing they said."""
    tally = room.votes[-1]
    honest = {phone.nickname: "by-message" if number % 2 == 0 else "queue" for number, phone in enumerate(phones)}
    other = tally.answers["votes_often"]  # two pages at once: whichever spoke last
    assert other in ("any", "queue")
    assert tally.answers == honest | {"votes_often": other}
    assert sum(tally.counts.values()) == HONEST + 1
    assert tally.counts["by-message"] == len(phones[::2])
