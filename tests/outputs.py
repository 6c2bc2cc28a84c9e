"""What a cell showed, however its output was cut.

A kernel sends what a cell prints in as many messages as its buffer was flushed: a busy machine may cut one `print()`
in two.
"""

from __future__ import annotations

import itertools

from nbformat import NotebookNode


def printed(cell: NotebookNode, stream: str = "stdout") -> str:
    """All that the cell has printed on this stream."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == stream)


def shown(cell: NotebookNode) -> str:
    """The cell's outputs as text, one below the other: what was printed between two others is one output."""
    parts = []
    for is_stream, outputs in itertools.groupby(cell.outputs, lambda output: output.output_type == "stream"):
        if is_stream:
            texts = {"stdout": "", "stderr": ""}
            for output in outputs:
                texts[output.name] += output.text
            parts += [text for text in texts.values() if text]
        else:
            for output in outputs:
                data = output.get("data", {})
                parts.append(data.get("text/markdown") or data.get("text/plain", ""))
    return "\n".join(parts)
