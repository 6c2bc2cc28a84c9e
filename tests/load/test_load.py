"""`wslab load`: what it measures, shows and refuses. Nothing here is about how long it took."""

from __future__ import annotations

import asyncio
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from fastapi import FastAPI, WebSocket
from rich.console import Console
from typer.testing import CliRunner

from wslab import cli
from wslab.errors import LabError
from wslab.language import LANGUAGES, use_language
from wslab.load import MOST_CLIENTS, MOST_MESSAGES, MOST_PROCESSES, Row, clients, picture, table, with_room_for
from wslab.load.clients import Crowd
from wslab.serving import serve, servers

ROOT = Path(__file__).parents[2]
ROWS = [
    Row(processes, sockets, last, last * 2, 35e-6, 40 * 1024)
    for processes, sockets, last in ((1, 100, 0.01), (1, 2000, 0.2), (2, 100, 0.008), (2, 2000, 0.1))
]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no Valkey for Windows")
def test_it_measures_the_room_of_two_processes_and_draws_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER", "")  # the command writes it
    asked = ["load", "--sockets", "30", "--sockets", "10", "--processes", "2", "--messages", "2"]
    ran = CliRunner().invoke(cli.app, [*asked, "--picture", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert re.findall(r"│ +2 │ +(\d+) │", ran.output) == ["10", "30"]
    assert not servers()
    for language in LANGUAGES:
        assert ET.parse(tmp_path / f"load-{language}.svg").getroot().tag.endswith("svg")


def test_a_loop_is_full_when_its_receivers_take_a_second() -> None:
    assert Row(2, 100, 0.01, 0.02, 1 / 1000, 0).full == 1000
    assert Row(2, 100, 0.01, 0.02, 0.0, 0).full == 0  # too short to be measured


@pytest.mark.parametrize(("language", "words"), [("en", ["1 process", "2 processes"]), ("tr", ["1 süreç", "2 süreç"])])
def test_the_picture_names_its_lines_and_numbers(language: str, words: list[str]) -> None:
    use_language(language)
    drawn = ["".join(text.itertext()) for text in ET.fromstring(picture(ROWS)).iter() if text.tag.endswith("text")]
    assert set(words) <= set(drawn)
    assert {"0", "2000", "200"} <= set(drawn)


def test_the_picture_has_a_line_for_each_number_of_processes() -> None:
    drawn = ET.fromstring(picture([Row(count, 100, 0.01, 0.02, 35e-6, 0) for count in range(1, 6)]))
    assert sum(part.tag.endswith("polyline") for part in drawn.iter()) == 5


def test_the_table_has_a_row_for_each_measurement() -> None:
    console = Console(width=120, record=True)
    console.print(table(ROWS))
    assert len(re.findall("35.0 µs", console.export_text())) == len(ROWS)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of open files")
def test_more_clients_than_files_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (1024, 4096))
    raised = []
    monkeypatch.setattr("resource.setrlimit", lambda _, limits: raised.append(limits))
    with_room_for(100)
    with_room_for(2000)
    assert raised == [(2100, 4096)]
    with pytest.raises(LabError, match="4096"):
        with_room_for(4000)


BOUNDS = {"--sockets": MOST_CLIENTS, "--processes": MOST_PROCESSES, "--messages": MOST_MESSAGES}
SENTENCES = {
    "en": "{option} takes a whole number from 1 to {most}; “{given}” is none.",
    "tr": "{option} 1 ile {most} arasında bir tam sayı ister; “{given}” böyle bir sayı değil.",
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("option", BOUNDS)
def test_what_is_no_number_of_things_is_refused(language: str, option: str) -> None:
    most = BOUNDS[option]
    for given in ("0", "-5", "1.5", "çok", "", str(most + 1), "9" * 5000):
        ran = CliRunner().invoke(cli.app, ["--in", language, "load", option, given])
        assert ran.exit_code == 1
        assert ran.output.strip() == SENTENCES[language].format(option=option, most=most, given=given)


@pytest.mark.parametrize(("language", "said"), [("en", "There is no folder {}."), ("tr", "{} adlı bir klasör yok.")])
def test_a_folder_that_is_missing_is_refused_before_anything_is_measured(
    language: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wslab.load.measure", None)
    folder = tmp_path / "pictures"
    ran = CliRunner().invoke(cli.app, ["--in", language, "load", "--picture", str(folder)])
    assert (ran.exit_code, ran.output.strip()) == (1, said.format(folder))


async def test_a_server_that_opens_no_websocket_is_named() -> None:
    with serve(FastAPI()) as server:
        crowd = Crowd(server.host, server.port)
        async with asyncio.timeout(20):
            with pytest.raises(LabError, match="403"):
                await crowd.grow(1)
        crowd.leave()


async def test_a_broadcast_that_does_not_reach_everybody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    app = FastAPI()

    @app.websocket("/ws")
    async def greets(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(clients.SAID.decode())
        await websocket.receive()
        await websocket.receive()

    with serve(app) as server:
        crowd = Crowd(server.host, server.port)
        await crowd.grow(2)
        monkeypatch.setattr(clients, "_DEADLINE", 0.1)
        with pytest.raises(LabError, match="2 clients"):
            await crowd.broadcast()
        crowd.leave()


@pytest.mark.parametrize("page", ["scale.en.md", "scale.tr.md"])
def test_the_page_calculates_with_the_figures_that_it_names(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8").replace(",", ".")
    rows = [re.findall(r"[\d.]+", row.partition("|")[2]) for row in re.findall(r"^\| [^|]*×[^|]*(\|.*)\|$", text, re.M)]
    memory, processor, wire = ([float(number) for number in row] for row in rows)
    clients = (1e4, 1e5, 1e6)
    assert memory == pytest.approx([count * 40 / 1024**2 for count in clients], rel=0.06)
    (cost,) = {float(found) for found in re.findall(r"× (\d+) µs", text)}
    assert processor == pytest.approx([count * cost / 1e6 for count in clients])
    assert wire == pytest.approx([count * (66 + 40) * 8 / 1e6 for count in clients], rel=0.01)
