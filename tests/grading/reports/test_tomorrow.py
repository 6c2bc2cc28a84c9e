"""class.html: what to teach tomorrow, and numbers with their words."""

from __future__ import annotations

import html
import re
from pathlib import Path

import pytest
from tests.grading.papers import ROOT

from wslab.grading.batch import Batch, Row
from wslab.grading.intake.whose import Student
from wslab.grading.reports import class_page, taught
from wslab.grading.task import Result
from wslab.labs.catalogue import labs
from wslab.labs.lab_texts import FOLDER, read_texts
from wslab.labs.verdict import Outcome, Verdict
from wslab.language import LANGUAGES, Text, use_language


def wrong(student: str, lab: str, check: str, misconception: str) -> Row:
    one = labs()[lab].check(check)
    assert one is not None
    meaning = Text.of(f"{misconception} means this.")
    verdict = Verdict(
        lab, check, one.title, 0.0, one.points, Outcome.FAILED, misconception, Text.of("saw"), meaning, meaning
    )
    result = Result(student, lab, (verdict,), (), (), 1.0)
    return Row(Student(student), labs()[lab], "en", "2026-11-24 09:30:00", student, result)


def tomorrow(page: str) -> list[str]:
    found = re.search(r"<ol>(.*?)</ol>", page, re.DOTALL)
    return [] if found is None else re.findall(r"<li>(.*?)</li>", html.unescape(found[1]), re.DOTALL)


def test_three_misconceptions_with_most_people_and_the_section_that_treats_them() -> None:
    rows = [
        *(wrong(f"s{number}", "L1", "accept", "accept-not-awaited") for number in range(3)),
        # One person, twice: it counts once.
        *(wrong("s9", lab, "echo", "no-echo") for lab in ("L1", "L5")),
        wrong("s8", "L1", "echo", "no-echo"),
        *(wrong("s7", "L1", check, "dotted-i") for check in ("echo", "order")),
        wrong("s6", "L1", "echo", "aaa-of-nobody-else"),
        wrong("s5", "L1", "count", "zzz-unknown"),
    ]
    first, second, third = tomorrow(class_page.class_html(Batch(tuple(rows)), {}, {}, ROOT))
    assert first.startswith("<strong>3 students</strong>: accept-not-awaited means this.<br>Unit 05, section 3: ")
    assert taught.titles(ROOT, "05", "en")[3].replace("`", "") in re.sub("</?code>", "", first)
    assert second.startswith("<strong>2 students</strong>: no-echo")
    assert third == "<strong>1 student</strong>: aaa-of-nobody-else means this."
    assert tomorrow(class_page.class_html(Batch(()), {}, {}, ROOT)) == []


@pytest.mark.parametrize(("language", "said"), [("en", "1 student · 1 lab"), ("tr", "1 öğrenci · 1 alıştırma")])
def test_one_of_something_is_not_several(language: str, said: str) -> None:
    use_language(language)
    page = class_page.class_html(Batch((wrong("ayse", "L1", "echo", "no-echo"),)), {}, {}, ROOT)
    assert said in page
    assert "1 students" not in page
    assert "1 points" not in page


def test_each_place_is_a_section_of_a_unit_and_each_misconception_one_of_the_labs() -> None:
    known = {id for path in FOLDER.glob("*.yml") for id in read_texts(path.stem).misconceptions}
    for id, place in taught.places().items():
        assert id in known, f"{taught.FILE}: no lab has the misconception {id}"
        for language in LANGUAGES:
            assert place.section in taught.titles(ROOT, place.unit, language), f"{taught.FILE}: {id}: {place}"


def test_a_mistake_in_the_file_has_its_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "taught.yml"
    file.write_text("no-echo: 01 §5\nghost: unit 1\n", encoding="utf-8")
    monkeypatch.setattr(taught, "FILE", file)
    taught.places.cache_clear()
    try:
        with pytest.raises(ValueError, match=re.escape(f"{file}:2: ghost")):
            taught.places()
    finally:
        taught.places.cache_clear()
