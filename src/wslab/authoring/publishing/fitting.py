"""Every slide of a deck looked at in a real Chromium: nothing past its box, nothing cut off, no text too small."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

SIZES = ((1280, 720), (1920, 1080))
"""The screens, in pixels: a projector's and a monitor's."""

LEAST = 18.0
"""The smallest text on the smallest of them, in pixels; on a larger screen it grows with the slide."""

_CHECK = resources.files("wslab.authoring.publishing").joinpath("fitting.js").read_text(encoding="utf-8")
_FACTS = {
    "past": "goes {by:.0f} px past the slide",
    "cut": "is cut off by {by:.0f} px",
    "small": "is {by:.1f} px high",
    "asked": "asked for {where}",
    "said": "wrote to the console: {where}",
}


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing on one slide that is not as it must be.

    Attributes:
        deck: the file.
        size: the screen, in pixels.
        slide: its number, from 1; 0 for the deck as a whole.
        what: `"past"` the slide's box, `"cut"` off, too `"small"`, `"asked"` for an address, `"said"` on the console.
        by: pixels past the box or hidden, or the height of the text in pixels.
        where: the element and the start of its text, or the address, or what was said.
    """

    deck: Path
    size: tuple[int, int]
    slide: int
    what: str
    by: float
    where: str

    def __str__(self) -> str:
        where = f"{self.deck.parent.name}/{self.deck.name} at {self.size[0]}×{self.size[1]}, slide {self.slide}"
        fact = _FACTS[self.what].format(by=self.by, where=self.where)
        return f"{where}: {fact}" if self.what in ("asked", "said") else f"{where}: {self.where} {fact}"


def opened(browser: Any, deck: Path, size: tuple[int, int]) -> tuple[Any, list[Misfit]]:
    """A deck in a new page of Playwright's `browser`, laid out; every address that it asks for is noted and refused.

    Args:
        browser: a Chromium that Playwright started.
        deck: the file, opened as a file.
        size: the screen, in pixels.

    Returns:
        The page, and a list that goes on to grow while the page is open.
    """
    page = browser.new_page(viewport={"width": size[0], "height": size[1]})
    noted: list[Misfit] = []

    def asked(route: Any) -> None:
        url = route.request.url
        if url == deck.resolve().as_uri():
            route.continue_()
        else:
            noted.append(Misfit(deck, size, 0, "asked", 0, url))
            route.abort()

    page.route("**/*", asked)
    page.on("console", lambda message: noted.append(Misfit(deck, size, 0, "said", 0, message.text)))
    page.on("pageerror", lambda error: noted.append(Misfit(deck, size, 0, "said", 0, str(error))))
    page.goto(deck.resolve().as_uri())
    page.wait_for_function("document.documentElement.dataset.deck === 'ready'", timeout=60_000)
    return page, noted


def misfits(browser: Any, deck: Path, size: tuple[int, int] = SIZES[0]) -> Iterator[Misfit]:
    """Everything on the slides of a deck, with all their fragments shown, that does not fit.

    Args:
        browser: a Chromium that Playwright started.
        deck: the file.
        size: the screen, in pixels.
    """
    page, noted = opened(browser, deck, size)
    try:
        least = LEAST * min(size[0] / SIZES[0][0], size[1] / SIZES[0][1])
        for number in range(1, page.evaluate("Reveal.getTotalSlides()") + 1):
            page.evaluate(SHOW, number - 1)
            for one in page.evaluate(_CHECK, least):
                yield Misfit(deck, size, number, one["what"], one["by"], one["where"])
        yield from noted
    finally:
        page.close()


SHOW = """async (number) => {
  const { h, v } = Reveal.getIndices(Reveal.getSlides()[number]);
  Reveal.slide(h, v, Infinity);
  while (Reveal.availableFragments().next) Reveal.nextFragment();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0))));
}"""
"""Shows the slide of a number, from 0, with all its fragments, and waits until it is laid out."""
