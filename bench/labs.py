"""How long a lab's check takes in a warm process: solved, as handed out, and with a server that hangs."""

from __future__ import annotations

import asyncio
import contextlib
import io
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ledger import measured

from wslab.authoring.proof.corpus import program
from wslab.authoring.proof.proof import cell_names
from wslab.labs import catalogue, check, notebooks
from wslab.labs.deadlines import contention
from wslab.labs.lab import Lab
from wslab.language import LANGUAGES

ROOT = Path(__file__).parents[1]
ROUNDS = 5

HANGS = """
import asyncio
from fastapi import FastAPI, WebSocket

app = FastAPI()

@app.get("/")
async def root():
    return {"connected_clients": 0}

@app.websocket("/ws")
async def endpoint(websocket: WebSocket):
    await websocket.accept()
    await asyncio.Event().wait()
"""
BLOCKS = HANGS.replace("await asyncio.Event().wait()", "time.sleep(60)").replace("import asyncio", "import time")


async def seconds(lab: Lab, names: Mapping[str, Any]) -> float:
    """How long a learner waits for the whole lab's cards."""
    begun = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        await check(lab.number, names["app"])
    return time.perf_counter() - begun


async def main(figures: dict[str, float]) -> None:
    """Print one line a lab, and add its seconds to `figures`."""
    print(f"others want the processor: {contention():.1f} (1.0: nobody)")
    print(f"{'':<18}{'solved, median':>16}{'worst':>8}{'stub':>8}{'waits for ever':>16}{'blocks':>8}   seconds")
    for lab in catalogue.labs().values():
        solved, stub = (
            notebooks.code_cells(notebooks.path_of(ROOT, lab, folder, LANGUAGES[0])) for folder in ("solutions", "labs")
        )
        runs = [await seconds(lab, await cell_names(solved, "solution")) for _ in range(ROUNDS)]
        others = [
            await seconds(lab, await cell_names(stub, "stub")),
            await seconds(lab, program(HANGS, "hangs.py")),
            await seconds(lab, program(BLOCKS, "blocks.py")),
        ]
        taken = [statistics.median(runs), max(runs), *others]
        columns = zip(taken, (16, 8, 8, 16, 8), strict=True)
        print(f"{lab.slug:<18}" + "".join(f"{figure:>{width}.1f}" for figure, width in columns))
        names = ("solved", "solved_worst", "stub", "waits", "blocks")
        figures |= {f"{lab.number}_{name}_s": figure for name, figure in zip(names, taken, strict=True)}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, measured("labs") as collected:
        os.environ["WSLAB_HOME"] = home  # nobody's own progress
        asyncio.run(main(collected))
