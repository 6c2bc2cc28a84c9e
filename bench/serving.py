"""How fast serve() starts, stops and echoes; the echo against the same app in a uvicorn process of its own."""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import websockets
from fastapi import FastAPI, WebSocket
from ledger import measured

from wslab import serve

APP = """
from fastapi import FastAPI, WebSocket

app = FastAPI()


@app.get("/")
async def root() -> str:
    return "here"


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)
"""


def make_app() -> FastAPI:
    names: dict[str, object] = {"WebSocket": WebSocket}
    exec(APP, names)
    app = names["app"]
    assert isinstance(app, FastAPI)
    return app


def start_to_first_answer(rounds: int = 50) -> list[float]:
    """Milliseconds from the call of serve() to the first HTTP answer."""
    app, taken = make_app(), []
    with httpx.Client() as client:
        for _ in range(rounds):
            before = time.perf_counter()
            server = serve(app)
            client.get(server.url)
            taken.append((time.perf_counter() - before) * 1000)
            server.stop()
    return taken


async def stop_with_open_sockets(count: int = 100, rounds: int = 10) -> list[float]:
    """Milliseconds that stop() takes with `count` WebSockets open."""
    app, taken = make_app(), []
    for _ in range(rounds):
        server = serve(app)
        clients = [await websockets.connect(f"{server.ws_url}/ws") for _ in range(count)]
        before = time.perf_counter()
        await asyncio.to_thread(server.stop)
        taken.append((time.perf_counter() - before) * 1000)
        await asyncio.gather(*(client.wait_closed() for client in clients))
    return taken


async def echo_trips(url: str, trips: int) -> float:
    """Microseconds a round trip, the mean of `trips`."""
    async with websockets.connect(url) as client:
        before = time.perf_counter()
        for _ in range(trips):
            await client.send("Merhaba")
            await client.recv()
        return (time.perf_counter() - before) / trips * 1e6


async def echo_against_a_process(rounds: int = 15, trips: int = 300) -> tuple[list[float], list[float]]:
    """Paired and alternating: the same echo inside this process and in a bare uvicorn process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "bare.py").write_text(APP, encoding="utf-8")
        command = [sys.executable, "-m", "uvicorn", "bare:app", "--port", str(port), "--log-level", "warning"]
        process = subprocess.Popen(command, cwd=folder)
        try:
            for _ in range(200):
                try:
                    httpx.get(f"http://127.0.0.1:{port}/")
                    break
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
            inside, outside = [], []
            with serve(make_app()) as server:
                for _ in range(rounds):
                    inside.append(await echo_trips(f"{server.ws_url}/ws", trips))
                    outside.append(await echo_trips(f"ws://127.0.0.1:{port}/ws", trips))
            return inside, outside
        finally:
            process.terminate()
            process.wait(10)


def main() -> None:
    with measured("serving") as figures:
        start_to_first_answer(3)  # imports and caches
        taken = start_to_first_answer()
        print(f"start to first answer, 50 times: median {statistics.median(taken):.0f} ms, worst {max(taken):.0f} ms")
        figures |= {"start_ms": statistics.median(taken), "start_worst_ms": max(taken)}
        taken = asyncio.run(stop_with_open_sockets())
        print(
            f"stop() with 100 open sockets, 10 times: median {statistics.median(taken):.0f} ms, "
            f"worst {max(taken):.0f} ms"
        )
        figures |= {"stop_100_sockets_ms": statistics.median(taken), "stop_100_sockets_worst_ms": max(taken)}
        inside, outside = asyncio.run(echo_against_a_process())
        ratio = statistics.median(a / b for a, b in zip(inside, outside, strict=True))
        print(
            f"echo round trip: serve() {statistics.median(inside):.0f} µs, "
            f"own process {statistics.median(outside):.0f} µs, "
            f"median of the paired ratios {ratio:.2f}"
        )
        figures |= {
            "echo_us": statistics.median(inside),
            "echo_own_process_us": statistics.median(outside),
            "echo_ratio": ratio,
        }


if __name__ == "__main__":
    main()
