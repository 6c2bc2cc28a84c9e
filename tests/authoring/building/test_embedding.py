"""A drawing that a unit shows is inside its notebook, and `wslab adopt` gives the source its path back."""

from __future__ import annotations

from pathlib import Path

from wslab.authoring.building import notebook
from wslab.authoring.building.embedding import embedded, linked, read_pictures

ROOT = Path(__file__).parents[3]


def test_there_and_back() -> None:
    text = "Ten lines.\n\n![A client, a server.](../../docs/pictures/a-b.svg)\n\n![](../../docs/pictures/other.png)\n"
    there = embedded(text, {"a-b.svg": b"<svg/>"})
    assert "](data:image/svg+xml;name=..%2F..%2Fdocs%2Fpictures%2Fa-b.svg;base64,PHN2Zy8+)" in there
    assert linked(there) == text


def test_a_drawing_that_is_not_there_stays_a_link() -> None:
    text = "![A client.](../../docs/pictures/gone.svg)"
    assert embedded(text, {}) == text


def test_unit_01_alone_shows_its_drawing() -> None:
    assert "websocket-tr.svg" in read_pictures(ROOT)
    texts = [cell.source for cell in notebook(ROOT, "01", "tr").cells if cell.cell_type == "markdown"]
    assert any("](data:image/svg+xml;name=" in text for text in texts)
    assert not any("](../../docs/pictures/" in text for text in texts)
