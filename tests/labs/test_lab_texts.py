"""A lab's texts: what is wrong in a file is told with its line, and modules and files name the same ids."""

from __future__ import annotations

from pathlib import Path

import pytest

from wslab.authoring.proof.text_ids import id_faults
from wslab.labs.lab import Check, Lab
from wslab.labs.lab_texts import BadTexts, Texts, read, read_texts
from wslab.labs.stage import Stage
from wslab.language import Text

WHOLE = """\
title: {en: Echo, tr: Yankı}
checks:
  echo:
    title: {en: It comes back, tr: Geri geliyor}
    hints:
      - says: {en: Look., tr: Bakın.}
      - says: {en: "A skeleton:", tr: "İskelet:"}
        code: |-
          if x:
              pass
    wrong: [silent, refused]
misconceptions:
  silent:
    meaning: {en: Nothing comes., tr: Gelen yok.}
    next: {en: Answer., tr: Yanıtlayın.}
    begun: false
observations:
  came: {en: "{came} came.", tr: "{came} geldi."}
"""
MODULE = """\
from wslab.labs.lab_texts import read_texts

texts = read_texts("L9")


async def echo(stage):
    raise Failure(texts.wrong("silent"), texts.saw("came"))


LAB = Lab.of(texts, "L9-echo", Check.of(texts, "echo", echo, points=2))
"""


def texts_of(tmp_path: Path, source: str) -> Texts:
    path = tmp_path / "L9.yml"
    path.write_text(source, encoding="utf-8")
    return read(path)


async def _run(stage: Stage) -> Text:
    raise NotImplementedError


def test_a_check_has_the_texts_of_its_file(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, WHOLE)
    check = Check.of(texts, "echo", _run, points=2, needs="accept")
    lab = Lab.of(texts, "L9-echo", check)
    assert lab.title.spoken() == {"en": "Echo", "tr": "Yankı"}
    assert [hint.code for hint in check.hints] == ["", "if x:\n    pass"]
    assert [wrong.id for wrong in check.wrong] == ["silent", "refused"]
    assert check.wrong[1] is read_texts("general").wrong("refused")
    assert not texts.wrong("silent").begun
    assert texts.saw("came").into("tr") == "{came} geldi."


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("tr: Geri geliyor", "de: Es kommt", 4, '"tr" is missing in "title"'),
        ("{en: Nothing comes., tr: Gelen yok.}", "Nothing comes.", 14, '"meaning" must be a mapping of fields'),
        ("    next:", "    nxt:", 14, '"next" is missing in the misconception "silent"'),
        ("begun: false", "begin: false", 16, 'has no field "begin"; did you mean "begun"?'),
        ("begun: false", "begun: true", 16, '"begun" is false where nothing has been written yet'),
        ("tr: Gelen yok.", "tr: ''", 14, '"meaning" in "tr" is empty'),
        ("observations:", "observation:", 17, 'the file has no field "observation"; did you mean "observations"?'),
        ("  came:", "  Came:", 18, "'Came' is no id"),
        ("observations:\n", "  silent: {}\nobservations:\n", 17, '"silent" stands twice in "misconceptions"'),
        ("wrong: [silent, refused]", "wrong: silent", 11, '"wrong" must be a list'),
        ("title: {en: Echo, tr: Yankı}\n", "", 1, '"title" is missing in the file'),
        ("{en: Echo, tr: Yankı}", "{en: Echo: 1, tr", 1, "this is not YAML"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, says: str) -> None:
    assert old in WHOLE
    with pytest.raises(BadTexts) as caught:
        texts_of(tmp_path, WHOLE.replace(old, new, 1))
    assert f"L9.yml:{line}: " in str(caught.value)
    assert says in str(caught.value)


def test_every_mistake_of_a_file_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadTexts) as caught:
        texts_of(tmp_path, WHOLE.replace("begun: false", "begun: 1").replace("{en: It comes back, ", "{"))
    assert len(str(caught.value).splitlines()) == 2


def test_an_id_that_is_not_there_is_told_with_the_one_that_was_meant(tmp_path: Path) -> None:
    texts = texts_of(tmp_path, WHOLE)
    with pytest.raises(BadTexts, match=r'"misconceptions" has no "silnt"; did you mean "silent"'):
        texts.wrong("silnt")
    with pytest.raises(BadTexts, match=r'L9\.yml:3: the lab has no check "echo"'):
        Lab.of(texts, "L9-echo")


def faults_of(tmp_path: Path, module: str, source: str) -> list[str]:
    (tmp_path / "texts").mkdir()
    (tmp_path / "l9_echo.py").write_text(module, encoding="utf-8")
    (tmp_path / "texts" / "L9.yml").write_text(source, encoding="utf-8")
    return id_faults(tmp_path, tmp_path / "texts")


def test_a_module_and_its_file_that_agree_have_no_faults(tmp_path: Path) -> None:
    assert faults_of(tmp_path, MODULE, WHOLE.replace(", refused", "")) == []


@pytest.mark.parametrize(
    ("old", "new", "where", "says"),
    [
        (
            'wrong("silent")',
            'wrong("silnt")',
            "l9_echo.py:7",
            'L9.yml has no "silnt" in "misconceptions"; did you mean',
        ),
        ('wrong("silent")', 'wrong("silnt")', "L9.yml:13", 'nothing names "silent" of "misconceptions"'),
        ('texts.saw("came")', "", "L9.yml:18", 'nothing names "came" of "observations"'),
        ('"echo", echo', '"ecko", echo', "L9.yml:3", 'nothing names "echo" of "checks"'),
        ('wrong("silent")', "wrong(name)", "l9_echo.py:7", "an id is a literal string"),
        ('read_texts("L9")', 'read_texts("L8")', "l9_echo.py:7", "there is no file texts/L8.yml"),
        ("[silent]", "[silence]", "L9.yml:3", 'there is no misconception "silence"; did you mean "silent"?'),
        ("[silent]", "[]", "L9.yml:13", 'no check lists "silent" under "wrong"'),
    ],
)
def test_an_id_on_one_side_alone_is_told_with_file_and_line(
    tmp_path: Path, old: str, new: str, where: str, says: str
) -> None:
    source = WHOLE.replace(", refused", "")
    assert old in MODULE + source
    faults = faults_of(tmp_path, MODULE.replace(old, new), source.replace(old, new))
    assert any(f"{where}: " in fault and says in fault for fault in faults), faults


def test_the_labs_and_their_texts_name_the_same_ids() -> None:
    assert id_faults() == []
