"""Parts of a documentation page that are written by a command."""

from __future__ import annotations


def between(page: str, begin: str, text: str, end: str) -> str:
    """A page with `text` between two of its lines.

    Args:
        page: the page.
        begin: the line above the text.
        text: what comes between them now.
        end: the line below the text.

    Raises:
        ValueError: the page does not hold them.
    """
    before, found, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise ValueError(f"the page has no “{begin}” with “{end}” below it")
    return f"{before}{begin}\n\n{text}\n{end}{after}"


def inside(page: str, begin: str, end: str) -> str:
    """What stands between two lines of a page.

    Args:
        page: the page.
        begin: the line above.
        end: the line below.
    """
    return page.partition(begin)[2].partition(end)[0].strip("\n")
