"""Links between the notebooks of the course, as they lead in slides and on the reading site."""

from __future__ import annotations

from nbformat import NotebookNode

from wslab.links import Leads, relinked


def relink_notebook(notebook: NotebookNode, here: str, leads: Leads) -> NotebookNode:
    """`relinked` for each Markdown cell of a notebook, which is changed."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = relinked(cell.source, here, leads)
    return notebook
