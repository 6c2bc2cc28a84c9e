"""A lesson's deck holds the sections of its plan, and nothing else of their notebooks."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from tests.authoring.publishing.conftest import checkout

from wslab.authoring import building
from wslab.authoring.publishing import decks, lesson
from wslab.authoring.teaching import Plan, part_of, plan_named, read_plans
from wslab.language import LANGUAGES

_PLAN = "90"


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout(tmp_path_factory)


@pytest.fixture
def plan(course: Path) -> Plan:
    return plan_named(_PLAN, read_plans(course, building.units(course)))


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_deck_of_a_plan(course: Path, plan: Plan, language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decks, "outputs", lambda root, unit, language: {})
    page, slides = lesson(course, plan, "# sheet", language)
    assert f"{_PLAN}-slides.html" in page.read_text("utf-8")
    deck = slides.read_text("utf-8")
    ids = re.findall(r'<(?:div|section)[^>]* id="(?:cell-id=)?(\d-[^"]+)"', deck)
    assert len(ids) == len(set(ids))
    headings = re.findall(r"<h2[^>]*>(\d+)\. ", deck)
    items = [item for item in plan.sessions[0].items if item.unit is not None]
    assert headings == [str(number) for item in items for number in item.sections]
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//[^\"']+\.(?:js|css)", deck)


def test_a_unit_that_is_shown_twice_has_no_id_twice(course: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decks, "outputs", lambda root, unit, language: {})
    (item,) = [item for item in plan.sessions[0].items if item.unit is not None and item.unit.number == "07"]
    assert item.unit is not None
    units = building.units(course)
    deck = decks.deck_of_parts(course, "x", [part_of(item.unit, (1,)), part_of(item.unit, (3,))], "en", units)
    assert re.findall(r"<h2[^>]*>(\d+)\. ", deck) == ["1", "3"]
    session = dataclasses.replace(plan.sessions[0], items=(item, item))
    assert len(list(lesson(course, dataclasses.replace(plan, sessions=(session,)), "", "en"))) == 2
