"""From bytes to cells: outputs of any size, other encodings, and what is refused with what to do."""

from __future__ import annotations

import json
import time

import pytest
from tests.grading.papers import Document, as_bytes, code, paper

from wslab.grading.intake.opening import Unreadable, opened
from wslab.grading.intake.stripping import without_outputs

SOURCES = [cell.source for cell in opened(as_bytes(paper())).cells]


def with_outputs(*outputs: object) -> Document:
    document = paper()
    document["cells"][-1].setdefault("outputs", [])
    document["cells"][1]["outputs"] = list(outputs)
    return document


def figure(**data: object) -> dict[str, object]:
    return {"output_type": "display_data", "metadata": {}, "data": {"application/vnd.plotly.v1+json": data}}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["numbers", "pairs", "text", "widgets"])
def test_outputs_of_any_size_are_no_parts_of_a_notebook(kind: str) -> None:
    million = range(2_100_000)
    document = {
        "numbers": lambda: with_outputs(figure(x=[one / 7 for one in million], y=list(million))),
        "pairs": lambda: with_outputs(figure(points=[[one, one] for one in million])),
        "text": lambda: with_outputs({"output_type": "stream", "name": "stdout", "text": "a, [b\\n" * 7_000_000}),
        "widgets": lambda: with_outputs() | {"metadata": {"widgets": {"state": list(range(5_000_000))}}},
    }[kind]()
    data = as_bytes(document)
    assert 20 << 20 < len(data) < 100 << 20
    begun = time.process_time()
    found = opened(data)
    assert [cell.source for cell in found.cells] == SOURCES
    assert found.lab.number == "L1"
    assert time.process_time() - begun < 20


def test_what_is_stripped_is_outputs_alone() -> None:
    document = with_outputs(figure(x=[[1], {"a": ["]", '"', "\\"]}]))
    document["cells"].append(code('text = \'"outputs": [[\' + "\\"outputs\\": ["'))
    document["metadata"]["says"] = "outputs"
    document["metadata"]["list"] = ["outputs", "attachments", ["widgets"]]
    stripped = json.loads(without_outputs(as_bytes(document)))
    assert stripped["cells"][1]["outputs"] == []
    for cell in document["cells"]:
        cell["outputs"] = cell.get("outputs") and []
    for cell in stripped["cells"]:
        cell["outputs"] = cell.get("outputs") and []
    assert stripped == document


@pytest.mark.parametrize("depth", [900, 5_000, 200_000])
def test_an_output_may_be_nested_deeper_than_python_goes(depth: int) -> None:
    data = as_bytes(with_outputs(figure(x="deep"))).replace(b'"deep"', b"[" * depth + b"1" + b"]" * depth)
    assert [cell.source for cell in opened(data).cells] == SOURCES


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"outputs": [', b'{"outputs": [1, 2', b'{"outputs": ["', b"<html>", b'"outputs": [[]', b'"\\']
)
def test_what_is_cut_off_stays_as_it_is(data: bytes) -> None:
    assert without_outputs(data) == data


@pytest.mark.slow
@pytest.mark.parametrize(
    "data",
    [
        b'{"cells": [' + b"[]," * 4_100_000 + b"[]]}",
        b'{"outputs": ' + b"[" * 12_000_000,
        b'{"outputs": [' + b'[1,{"a":' * 1_500_000,
        b'{"outputs": [' + b'"\\' * 3_000_000,
        b'"outputs": [[],' * 1_000_000,
    ],
    ids=["parts", "brackets", "nested", "quotes", "keys"],
)
def test_what_would_fill_the_memory_is_refused_in_bounded_time(data: bytes) -> None:
    begun = time.process_time()
    with pytest.raises(Unreadable) as refused:
        opened(data)
    assert time.process_time() - begun < 60
    said = str(refused.value.reason)
    assert "Clear the outputs" in said or "JSON is broken" in said


TURKISH = "# çalışıyor, İstanbul'a değil ığüşöç"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1254"])
def test_other_encodings_are_read_and_told(encoding: str) -> None:
    document = paper("L1", "tr")
    for cell in document["cells"]:
        cell["source"] = "".join(cell["source"]).encode("cp1254", "replace").decode("cp1254")
    document["cells"].append(code(TURKISH))
    text = json.dumps(document, ensure_ascii=False)
    found = opened(text.encode(encoding))
    assert found.cells[-1].source == TURKISH
    assert found.lab.number == "L1"
    assert bool(found.remarks) == (not encoding.startswith("utf-8"))
    assert ("Windows-1254" in str(found.remarks)) == (encoding == "cp1254")


def test_a_damaged_file_is_not_taken_for_one_of_windows() -> None:
    document = paper()
    document["cells"].append(code(TURKISH))
    data = as_bytes(document).replace("ç".encode(), b"\xe7", 1)
    with pytest.raises(Unreadable, match="save it there"):
        opened(data)
