"""What the capture costs: round trips and 64 KiB messages through it and without it, paired and alternating."""

from __future__ import annotations

import asyncio
import statistics
import time

from fastapi import FastAPI, WebSocket
from ledger import measured
from websockets.asyncio.client import connect

from wslab import capture, serve

ROUNDS = 40
TRIPS = 300
MESSAGES = 200
SIZE = 64 * 1024

app = FastAPI()


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@app.websocket("/sink")
async def sink(websocket: WebSocket) -> None:
    """Takes binary messages; answers each text with itself, so that a sender knows that all has come."""
    await websocket.accept()
    while (message := await websocket.receive())["type"] == "websocket.receive":
        if message.get("text") is not None:
            await websocket.send_text(message["text"])


async def trips(url: str) -> float:
    """Microseconds a round trip of a short text, the mean of `TRIPS`."""
    async with connect(f"{url}/ws", compression=None) as client:
        before = time.perf_counter()
        for _ in range(TRIPS):
            await client.send("Merhaba")
            await client.recv()
        return (time.perf_counter() - before) / TRIPS * 1e6


async def throughput(url: str) -> float:
    """MB a second, client to server."""
    payload = bytes(SIZE)
    async with connect(f"{url}/sink", compression=None) as client:
        before = time.perf_counter()
        for _ in range(MESSAGES):
            await client.send(payload)
        await client.send("all there?")
        await client.recv()
        return MESSAGES * SIZE / (time.perf_counter() - before) / 1e6


async def main() -> None:
    with measured("capture") as figures, serve(app) as server, capture(server) as wire:
        for measure, name, unit, key, ending, rounds in (
            (trips, "round trip", "µs", "trip", "us", ROUNDS),
            (throughput, f"{SIZE // 1024} KiB messages", "MB/s", "messages", "mb_per_s", ROUNDS // 2),
        ):
            straight, through = [], []
            await measure(server.ws_url)
            await measure(wire.ws_url)
            for _ in range(rounds):
                straight.append(await measure(server.ws_url))
                through.append(await measure(wire.ws_url))
            ratio = statistics.median(b / a for a, b in zip(straight, through, strict=True))
            print(
                f"{name}: without {statistics.median(straight):.0f} {unit}, "
                f"through the capture {statistics.median(through):.0f} {unit}, "
                f"median of {rounds} paired ratios {ratio:.2f}"
            )
            figures |= {
                f"{key}_straight_{ending}": statistics.median(straight),
                f"{key}_captured_{ending}": statistics.median(through),
                f"{key}_ratio": ratio,
            }
        before = time.perf_counter()
        steps = len(wire.steps)
        took = time.perf_counter() - before
        print(f"{steps} steps kept, {wire.dropped.steps} dropped; the last of them decoded in {took * 1000:.0f} ms")
        figures["decode_rest_ms"] = took * 1000


if __name__ == "__main__":
    asyncio.run(main())
