"""Two decks as a room sees them: each slide in real Chromium, with real keys and a real mouse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from wslab.authoring.publishing.fitting import LEAST, SHOW, SIZES, misfits, opened
from wslab.language import LANGUAGES

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def deck(root: Path, language: str = "en") -> Path:
    return root / language / "04-on-the-wire.html"


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_fits(decks: Path, browser: Any, language: str, size: tuple[int, int]) -> None:
    assert [str(one) for one in misfits(browser, deck(decks, language), size)] == []


def test_the_check_finds_what_does_not_fit(decks: Path, browser: Any) -> None:
    page, _ = opened(browser, deck(decks), SIZES[0])
    page.evaluate(SHOW, 1)
    page.evaluate(
        """() => {
          const content = Reveal.getCurrentSlide().querySelector(".deck-content");
          const more = "<p style='font-size:17px'>small</p><p style='height:900px'>tall</p>";
          content.insertAdjacentHTML("beforeend", more);
        }"""
    )
    script = (Path(__file__).parents[3] / "src/wslab/authoring/publishing/fitting.js").read_text(encoding="utf-8")
    found = {one["what"] for one in page.evaluate(script, LEAST)}
    page.close()
    assert found == {"small", "past", "cut"}


def test_a_wire_of_many_steps_goes_on_and_every_step_is_on_one_slide(decks: Path, browser: Any) -> None:
    page, _ = opened(browser, deck(decks), SIZES[0])
    windows = page.evaluate(
        """async () => {
          const found = {};
          for (const slide of Reveal.getSlides()) {
            const place = slide.querySelector(".deck-window");
            if (!place) continue;
            const { h, v } = Reveal.getIndices(slide);
            Reveal.slide(h, v, Infinity);
            const steps = [...place.querySelectorAll(".wire-steps > li")];
            const seen = steps.flatMap((step, at) => step.checkVisibility() ? [at] : []);
            (found[place.dataset.picture] ??= { all: steps.length, seen: [] }).seen.push(...seen);
          }
          return Object.values(found);
        }"""
    )
    page.close()
    assert windows
    for window in windows:
        assert window["seen"] == list(range(window["all"]))


def test_keys_are_the_pictures_while_it_has_the_focus(decks: Path, browser: Any) -> None:
    page, noted = opened(browser, deck(decks), SIZES[1])
    number = page.evaluate(
        "Reveal.getSlides().findIndex((slide) => slide.querySelector('.wire-title')?.closest('.deck-page'))"
    )
    page.evaluate(SHOW, number)
    here = page.evaluate("JSON.stringify(Reveal.getIndices())")
    title = page.locator("section.present .wire-title:visible").first
    title.focus()
    folded = title.get_attribute("aria-expanded")
    page.keyboard.press("Enter")
    assert title.get_attribute("aria-expanded") != folded
    for key in ("ArrowDown", "ArrowRight", "Space"):
        page.keyboard.press(key)
    assert page.evaluate("JSON.stringify(Reveal.getIndices())") == here
    page.keyboard.press("Escape")
    assert not page.evaluate("Reveal.isOverview()")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("JSON.stringify(Reveal.getIndices())") != here
    page.close()
    assert noted == []


def test_the_instructor_has_notes(decks: Path, browser: Any) -> None:
    page, _ = opened(browser, deck(decks), SIZES[0])
    notes = page.evaluate("Reveal.getSlides().filter((slide) => Reveal.getSlideNotes(slide)).length")
    assert notes >= 5
    assert not page.locator("aside.notes:visible").count()
    page.close()
