"""What the students' site leaves out of a notebook: whatever answers what is asked there."""

from __future__ import annotations

import pytest
from nbformat.v4 import new_output
from tests.grading.papers import ROOT

from wslab.authoring import building
from wslab.authoring.publishing.site import without_answers


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_students_site_keeps_no_answer(language: str) -> None:
    hidden = measured = folded = 0
    for unit in building.units(ROOT):
        notebook = building.notebook(ROOT, unit.slug, language)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = [new_output("stream", text=cell.id)]
        before = {cell.id: (cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells}
        after = {cell.id: cell for cell in without_answers(notebook, language).cells}
        assert after.keys() == before.keys()
        for id, (kind, source, metadata) in before.items():
            if metadata.get("jupyter"):
                hidden += 1
                assert after[id].source.startswith("# ")
                assert "\n" not in after[id].source
                assert after[id].outputs == []
            elif kind == "code":
                measured += ".outcome(" in source
                assert after[id].source == source
                assert bool(after[id].outputs) is (".outcome(" not in source)
            else:
                folded += "<details" in source
                assert "<details" not in after[id].source
                assert "</details" not in after[id].source
        if unit.kind == "lab":
            assert not any("SOLUTION" in cell.source for cell in notebook.cells)
    assert hidden >= 1
    assert measured > 80
    assert folded > 50
