"""Reading the predictions' data: every shipped file is right, and every mistake has its line and its sentence."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from wslab.predictions import catalogue, predict
from wslab.predictions.catalogue import PredictionError, find, read
from wslab.predictions.question import Choice, Measure, Number, Tolerance

FILES = sorted(catalogue.FOLDER.glob("*"))
DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_shipped_file_is_right(path: Path) -> None:
    questions, problems = read(path)
    assert not [str(problem) for problem in problems]
    assert questions


def test_the_test_data_is_right() -> None:
    questions, problems = read(Path(__file__).parent / "data" / "98.yml")
    assert (list(questions), problems) == (["status", "speed", "bytes", "exception"], ())


@pytest.mark.parametrize("page", ["predictions.md", "predictions.tr.md"])
def test_the_examples_of_the_documentation_are_right(tmp_path: Path, page: str) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    complete = [block for block in blocks if "…" not in block]
    assert len(complete) >= 2
    file = tmp_path / "05.yml"
    file.write_text("\n".join(complete), encoding="utf-8")
    questions, problems = read(file)
    assert not problems
    assert {question.kind for question in questions.values()} >= {"choice", "number"}


OPTION = """
    - id: {id}
      text: {text}
      teaches: {{en: Yes., tr: Evet.}}"""
GOOD = (
    "status:\n  question: {en: 'What?', tr: 'Ne?'}\n  options:"
    + OPTION.format(id="a", text="A")
    + "\n      right: true"
    + OPTION.format(id="b", text="B")
    + "\n"
)
NUMBER = (
    "n:\n  kind: number\n  question: {en: 'How many?', tr: 'Kaç?'}\n  expected: 3\n  right: {en: Yes., tr: Evet.}\n"
    "  otherwise: {en: No., tr: Hayır.}\n"
)


def problems_of(tmp_path: Path, text: str, name: str = "05.yml") -> list[str]:
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return [f"{problem.line}: {problem.message}" for problem in read(file)[1]]


def test_a_good_file_has_no_problem(tmp_path: Path) -> None:
    assert problems_of(tmp_path, GOOD + NUMBER) == []
    assert problems_of(tmp_path, "# nothing yet\n") == []


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("tr: 'Ne?'", "de: 'Was?'", '2: status: "tr" is missing in "question"'),
        (", tr: 'Ne?'", ", tr: 'Ne?', de: 'Was?'", '2: status: "question" has no field "de"; known here: en, tr'),
        ("{en: 'What?', tr: 'Ne?'}", "What?", '2: status: "question" needs a wording in each language: {en: …, tr: …}'),
        ("  options:", "  option:", "2: status: \"options\" is missing in the prediction 'status'"),
        ("status:\n", "Status:\n", "1: 'Status' is no name for a prediction: lowercase English words joined by -"),
        ("- id: a", "- id: a b", "4: status: the id 'a b' should be one word of English letters, digits, - and _"),
        ("- id: b", "- id: a", "8: status: options 'a' and 'a' share the id 'a'"),
        ("text: B", "text: A", "8: status: options 'a' and 'b' share the text “A” in \"en\""),
        ("text: B", "text: B\n      value: a", "8: status: options 'a' and 'b' share the measured value 'a'"),
        ("text: B", "text: B\n      valeu: 3", '10: status: option \'b\' has no field "valeu"; did you mean "value"?'),
        (
            "text: B",
            "text: B\n      value: 3\n      values: [4]",
            '11: status: option \'b\' has both "value" and "values"; write one of them',
        ),
        (
            "text: B",
            "text: B\n      between: [3, 1]",
            '10: status: "between" must go from low to high, not from 3 to 1',
        ),
        (
            "text: B",
            "text: B\n      between: 3",
            '10: status: "between" is a list of two numbers, [low, high]; null leaves an end open',
        ),
        ("text: B", "text: B\n      values: []", '10: status: "values" is empty'),
        ("text: B", "text: " + 91 * "B", '9: status: "text" has 91 characters, at most 90 are readable at a glance'),
        ("text: B", "text: '`B'", '9: status: "text" has a backtick without its partner'),
        ("text: B", "text: [B]", '9: status: "text" needs a wording in each language: {en: …, tr: …}'),
        ("text: B", "text: ''", '9: status: "text" is empty'),
        (
            "right: true",
            "right: yes please",
            '7: status: "right" is true on the right option and left out on the others',
        ),
        ("\n      right: true", "", '4: status: exactly one option is marked "right: true"; none has it'),
        (
            "text: B",
            "text: B\n      right: true",
            "4: status: exactly one option is marked \"right: true\"; 'a' and 'b' have it",
        ),
        (
            "{en: Yes., tr: Evet.}",
            "{en: Yes, tr: Evet.}",
            '6: status: "teaches" in "en" is a sentence and ends with a full stop',
        ),
        (
            "{en: Yes., tr: Evet.}",
            "{en: 'Yes {mesured}.', tr: Evet.}",
            '6: status: "teaches" in "en": {mesured} is not filled in; did you mean {measured}?',
        ),
        ("  options:", "  kind: choise\n  options:", '3: status: there is no kind "choise"; did you mean "choice"?'),
        ("  options:", "  options: x\n  other:", '3: status: "options" must be a list, not "x"'),
    ],
)
def test_each_mistake_in_a_choice_has_its_line_and_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in GOOD
    assert says in problems_of(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("expected: 3", "expected: three", '4: n: "expected" must be a number, not "three"'),
        ("expected: 3", "expected: {from: 3}", '4: n: "between" is missing in "expected"'),
        (
            "expected: 3",
            "tolerance: about 3",
            '4: n: "tolerance" is a number, a percentage like 20% or a factor like x2, not "about 3"',
        ),
        ("expected: 3", "tolerance: x0.5", '4: n: "tolerance" as a factor is at least x1'),
        ("  otherwise", "  else", "2: n: \"otherwise\" is missing in the prediction 'n'"),
        ("  kind: number\n", "", '2: n: write "kind: number" or "kind: word" for a free answer, or give it "options"'),
        (
            "expected: 3",
            "wrong: [{teaches: {en: No., tr: Hayır.}}]",
            '4: n: an entry of "wrong" needs "answer" or "between"',
        ),
        (
            "expected: 3",
            "wrong: [{answer: x, teaches: {en: No., tr: Hayır.}}]",
            '4: n: "answer" must be a number, not "x"',
        ),
    ],
)
def test_each_mistake_in_a_number_has_its_line_and_sentence(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in NUMBER
    assert says in problems_of(tmp_path, NUMBER.replace(old, new, 1))


def test_mistakes_of_the_whole_file(tmp_path: Path) -> None:
    assert problems_of(tmp_path, GOOD + GOOD) == ["11: there are two predictions named 'status'"]
    assert problems_of(tmp_path, GOOD, "status.yml") == [
        "1: the file is named after its unit, 05.yml or L1.yml, not status.yml"
    ]
    assert problems_of(tmp_path, "- a\n") == ["1: a file of predictions is a mapping of names, not a list"]
    (said,) = problems_of(tmp_path, "a:\n  question: {en: `x`, tr: y}\n")
    assert said.startswith("2: this is not YAML: found character '`'")
    assert "quote a text that begins with a backtick" in said
    (tmp_path / "05.yml").write_bytes("a: ğ".encode("iso-8859-9"))
    assert str(read(tmp_path / "05.yml")[1][0]).endswith("05.yml:1: this file is not UTF-8; save it as UTF-8")
    assert problems_of(tmp_path, "a: \x07\n")[0].startswith("1: this is not YAML")


def test_options_whose_ranges_overlap(tmp_path: Path) -> None:
    text = GOOD.replace("text: A", "text: A\n      between: [0, 5]").replace(
        "text: B", "text: B\n      between: [4, null]"
    )
    assert problems_of(tmp_path, text) == ["9: status: options 'a' and 'b' share a part of their ranges"]
    text = GOOD.replace("text: A", "text: A\n      between: [0, 5]").replace("text: B", "text: B\n      value: 4")
    assert problems_of(tmp_path, text) == ["9: status: options 'a' and 'b' share the measured value 4"]


def test_the_right_option_should_not_always_stand_in_one_place(tmp_path: Path) -> None:
    text = "".join(GOOD.replace("status:", f"status-{number}:") for number in range(4))
    assert problems_of(tmp_path, text) == ["1: the right option is number 1 in every question; vary its place"]


def test_what_yaml_would_change_stays_as_written(tmp_path: Path) -> None:
    file = tmp_path / "05.yml"
    file.write_text(GOOD.replace("id: a", "id: 010").replace("id: b", "id: no"), encoding="utf-8")
    questions, problems = read(file)
    assert not problems
    question = questions["status"]
    assert isinstance(question, Choice)
    assert [option.id for option in question.options] == ["010", "no"]


@pytest.mark.parametrize(
    ("written", "tolerance"),
    [("2", Tolerance(2)), ("20%", Tolerance(20, Measure.PERCENT)), ("x2.5", Tolerance(2.5, Measure.FACTOR))],
)
def test_tolerances_as_written(tmp_path: Path, written: str, tolerance: Tolerance) -> None:
    file = tmp_path / "05.yml"
    file.write_text(NUMBER.replace("expected: 3", f"tolerance: {written}"), encoding="utf-8")
    question = read(file)[0]["n"]
    assert isinstance(question, Number)
    assert question.tolerance == tolerance


def test_a_path_in_braces_is_text(tmp_path: Path) -> None:
    assert (
        problems_of(tmp_path, GOOD.replace("{en: Yes., tr: Evet.}", "{en: 'Try `/send/{message}`.', tr: Evet.}", 1))
        == []
    )


@pytest.mark.usefixtures("session")
def test_an_unknown_key_says_what_there_is() -> None:
    with pytest.raises(PredictionError, match=r"Unit 98 has no prediction “byte”\. It has: bytes, status, speed"):
        predict("98.byte")
    with pytest.raises(PredictionError, match=r"Unit 97 has no predictions\. Units that have some: 98\."):
        predict("97.status")
    for key in ("98", "status", "", "98.", "9.status"):
        with pytest.raises(PredictionError, match="no key of a prediction"):
            predict(key)


def test_one_broken_entry_leaves_the_others_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    (tmp_path / "05.yml").write_text(GOOD + NUMBER.replace("expected: 3", "expected: x"), encoding="utf-8")
    assert find("05.status").kind == "choice"
    with pytest.raises(PredictionError, match=r'05\.yml:14: n: "expected" must be a number'):
        find("05.n")


def test_a_changed_file_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    file = tmp_path / "05.yml"
    file.write_text(GOOD, encoding="utf-8")
    os.utime(file, ns=(1, 1))
    assert str(find("05.status").question) == "What?"
    file.write_text(GOOD.replace("What?", "What now?"), encoding="utf-8")
    os.utime(file, ns=(2, 2))
    assert str(find("05.status").question) == "What now?"


@pytest.mark.slow
def test_the_command_tells_authors_and_has_an_exit_status(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "wslab.predictions", *arguments]
        return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)

    good, bad = tmp_path / "05.yml", tmp_path / "06.yml"
    good.write_text(GOOD, encoding="utf-8")
    bad.write_text(GOOD.replace("tr: 'Ne?'", "de: 'Was?'"), encoding="utf-8")
    assert (run(str(good)).returncode, run(str(good)).stdout) == (0, "05.yml: 1 predictions, no problem\n")
    assert run(str(bad)).returncode == 1
    assert f'{bad}:2: status: "tr" is missing in "question"' in run(str(bad)).stdout
    assert run("77").returncode == 1


AGAIN = """
  again:
    question: {en: 'How?', tr: 'Nasıl?'}
    options:
      - id: b
      - id: a
        text: Aa
"""
ANOTHER = """
  again:
    question: {en: 'And now?', tr: 'Ya şimdi?'}
    expected: 4
"""


def test_again_is_the_same_question_in_other_words(tmp_path: Path) -> None:
    file = tmp_path / "05.yml"
    file.write_text(GOOD.rstrip() + AGAIN + NUMBER.rstrip() + ANOTHER, encoding="utf-8")
    questions, problems = read(file)
    assert problems == catalogue.read(file, each_again=True)[1] == ()
    choice, number = questions["status"].again, questions["n"].again
    assert isinstance(choice, Choice)
    assert isinstance(number, Number)
    assert (choice.key, str(choice.question)) == ("05.status.again", "How?")
    assert [(option.id, str(option.text), option.right) for option in choice.options] == [
        ("b", "B", False),
        ("a", "Aa", True),
    ]
    assert (number.expected, str(number.right)) == (4.0, "Yes.")


def test_a_prediction_without_other_words_is_named(tmp_path: Path) -> None:
    file = tmp_path / "05.yml"
    file.write_text(GOOD.rstrip() + AGAIN + NUMBER, encoding="utf-8")
    (problem,) = catalogue.read(file, each_again=True)[1]
    assert problem.line == len((GOOD.rstrip() + AGAIN).splitlines()) + 1
    assert problem.message == 'n: "again" is missing: the same question in other words, for whoever was wrong'


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("- id: b\n      - id: a", "- id: a\n      - id: b", 'status: "again" has the options a, b, in another order'),
        ("      - id: b\n", "", 'status: "again" has the options a, b, in another order'),
        ("How?", "What?", 'status: "again" asks in other words, in each language'),
        (
            "text: Aa",
            "right: true",
            'status: "right" stays as it is; an option of "again" has an id',
        ),
        ("{en: 'How?', tr: 'Nasıl?'}", "{en: 'How?'}", 'status: "tr" is missing in "question"'),
        ("text: Aa", "teaches: {en: 'It is {measured}.', tr: 'Evet.'}", 'status: nothing is measured for "again"'),
        ("    question:", "    kwestion:", 'status: "again" of status has no field "kwestion"'),
    ],
)
def test_mistakes_in_other_words_are_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in AGAIN
    (found,) = problems_of(tmp_path, GOOD.rstrip() + AGAIN.replace(old, new))
    assert says in found


def test_again_of_a_number_that_only_the_machine_knows_has_its_own(tmp_path: Path) -> None:
    text = NUMBER.replace("  expected: 3\n", "").rstrip() + ANOTHER.replace("    expected: 4\n", "")
    (found,) = problems_of(tmp_path, text)
    assert '"again" is judged without a measurement, so it needs "expected"' in found
