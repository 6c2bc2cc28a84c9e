"""YAML together with the lines that it was read from."""

from __future__ import annotations

from typing import Any

import yaml


def parse(text: str) -> tuple[yaml.Node | None, Any]:
    """What `text` says, and the same as nodes, each of which knows its place.

    Raises:
        yaml.YAMLError: it is not valid.
    """
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return node, None if node is None else loader.construct_document(node)
    finally:
        loader.dispose()


def fault(error: yaml.YAMLError) -> tuple[int, str]:
    """The line of a fault, from 0, and what it is in one sentence."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    return (mark.line if mark else 0), str(problem)
