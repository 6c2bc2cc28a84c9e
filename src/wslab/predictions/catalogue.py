"""The predictions' data files: reading them, and saying exactly what is wrong with one.

The format stands in docs/predictions.md.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

from wslab import own_course, yaml
from wslab.errors import LabError
from wslab.language import LANGUAGES, Text
from wslab.predictions.question import (
    Belief,
    Choice,
    Interval,
    Measure,
    Number,
    Option,
    Question,
    Tolerance,
    Word,
    same,
)
from wslab.yaml import Fields, Problem, Wrong

FOLDER = Path(__file__).parent / "questions"
"""Where the files are: `05.yml` holds the predictions of unit 05."""

OPTION_LENGTH = 90
SENTENCE_LENGTH = 240
QUESTION_LENGTH = 400

_UNIT = re.compile(r"\d\d|L\d+")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*")
_FILLED = ("measured", "answer")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class PredictionError(LabError, LookupError):
    """There is no such prediction, or its data is wrong."""


def _text(node: yaml.Node, what: str, *, most: int, translated: bool = False, placeholders: bool = False) -> Text:
    """A text in every language, or one string for all of them where `translated` does not forbid it."""
    if isinstance(node, yaml.MappingNode):
        fields = Fields(node, f'"{what}"')
        wordings = {}
        for language in LANGUAGES:
            wording = fields.get(language)
            if wording is None:
                raise Wrong(node, f'"{language}" is missing in "{what}"')
            wordings[language] = _wording(wording, what, language, most, placeholders)
        fields.finish()
        return Text(**wordings)
    if translated or not isinstance(node, yaml.ScalarNode):
        raise Wrong(node, f'"{what}" needs a wording in each language: {{{", ".join(f"{c}: …" for c in LANGUAGES)}}}')
    return Text.of(_wording(node, what, "", most, placeholders))


def _wording(node: yaml.Node, what: str, language: str, most: int, placeholders: bool) -> str:
    where = f'"{what}"' + (f' in "{language}"' if language else "")
    if not isinstance(node, yaml.ScalarNode):
        raise Wrong(node, f"{where} must be a text, not {yaml.kind(node)} (a text with a colon in it goes in quotes)")
    text = " ".join(yaml.raw(node).split())
    if not text:
        raise Wrong(node, f"{where} is empty")
    if len(text) > most:
        raise Wrong(node, f"{where} has {len(text)} characters, at most {most} are readable at a glance")
    if text.count("`") % 2:
        raise Wrong(node, f"{where} has a backtick without its partner")
    if placeholders:
        for name in _PLACEHOLDER.findall(text):
            # `/send/{message}` is text; {mesured} is a slip.
            near = difflib.get_close_matches(name, _FILLED, n=1, cutoff=0.7)
            if near and name not in _FILLED:
                raise Wrong(node, f"{where}: {{{name}}} is not filled in; did you mean {{{near[0]}}}?")
    return text


def _sentence(fields: Fields, name: str) -> Text:
    node = fields.need(name)
    text = _text(node, name, most=SENTENCE_LENGTH, translated=True, placeholders=True)
    for language in LANGUAGES:
        if text.into(language)[-1] not in ".!?…”":
            raise Wrong(node, f'"{name}" in "{language}" is a sentence and ends with a full stop')
    return text


def _number(node: yaml.Node, what: str) -> float:
    value = yaml.value(node)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Wrong(node, f'"{what}" must be a number, not {yaml.kind(node)}')
    return float(value)


def _interval(node: yaml.Node) -> Interval:
    ends = node.value if isinstance(node, yaml.SequenceNode) else ()
    if len(ends) != 2:
        raise Wrong(node, '"between" is a list of two numbers, [low, high]; null leaves an end open')
    low, high = (None if yaml.value(end) is None else _number(end, "between") for end in ends)
    if low is not None and high is not None and low >= high:
        raise Wrong(node, f'"between" must go from low to high, not from {low:g} to {high:g}')
    return Interval(low, high)


def _one_of(fields: Fields, *names: str) -> tuple[str, yaml.Node] | None:
    found = [(name, node) for name in names if (node := fields.get(name)) is not None]
    if len(found) > 1:
        raise Wrong(found[1][1], f'{fields.what} has both "{found[0][0]}" and "{found[1][0]}"; write one of them')
    return found[0] if found else None


def _option(node: yaml.Node) -> Option:
    fields = Fields(node, "an option")
    name = fields.need("id")
    id = yaml.raw(name)
    if not _ID.fullmatch(id):
        raise Wrong(name, f"the id {id!r} should be one word of English letters, digits, - and _")
    fields.what = f"option '{id}'"
    meaning = _one_of(fields, "value", "values", "between")
    values: tuple[object, ...] = (id,)
    interval = None
    if meaning is not None:
        field, held = meaning
        if field == "between":
            values, interval = (), _interval(held)
        else:
            values = (yaml.value(held),) if field == "value" else tuple(map(yaml.value, yaml.items(held, "values")))
            if not values:
                raise Wrong(held, '"values" is empty')
    mark = fields.get("right")
    right = mark is not None and yaml.value(mark)
    if mark is not None and right is not True:
        raise Wrong(mark, '"right" is true on the right option and left out on the others')
    option = Option(
        id=id,
        text=_text(fields.need("text"), "text", most=OPTION_LENGTH),
        teaches=_sentence(fields, "teaches"),
        right=bool(right),
        values=values,
        interval=interval,
    )
    fields.finish()
    return option


def _clash(one: Option, other: Option) -> str | None:
    """What two options of a question share although it should tell them apart."""
    if one.id == other.id:
        return f"the id '{one.id}'"
    for language in LANGUAGES:
        if one.text.into(language) == other.text.into(language):
            return f'the text “{one.text.into(language)}” in "{language}"'
    for value in one.values:
        if any(same(value, another) for another in other.values):
            return f"the measured value {value!r}"
    for option, ranged in ((one, other), (other, one)):
        for value in option.values:
            numeric = isinstance(value, (int, float)) and not isinstance(value, bool)
            if numeric and ranged.interval is not None and value in ranged.interval:  # type: ignore[operator]
                return f"the measured value {value!r}"
    if one.interval is not None and other.interval is not None and one.interval.overlaps(other.interval):
        return "a part of their ranges"
    return None


def _choice(key: str, question: Text, fields: Fields) -> Choice:
    listed = fields.need("options")
    nodes = yaml.items(listed, "options")
    if not 2 <= len(nodes) <= 6:
        raise Wrong(listed, f"a choice has two to six options, not {len(nodes)}")
    options: list[Option] = []
    for node in nodes:
        option = _option(node)
        for earlier in options:
            shared = _clash(earlier, option)
            if shared is not None:
                raise Wrong(node, f"options '{earlier.id}' and '{option.id}' share {shared}")
        options.append(option)
    rights = [option.id for option in options if option.right]
    if len(rights) != 1:
        found = "none has" if not rights else f"{' and '.join(map(repr, rights))} have"
        raise Wrong(listed, f'exactly one option is marked "right: true"; {found} it')
    return Choice(key, question, tuple(options))


def _beliefs(fields: Fields, number: bool) -> tuple[Belief, ...]:
    node = fields.get("wrong")
    beliefs = []
    for item in [] if node is None else yaml.items(node, "wrong"):
        entry = Fields(item, 'an entry of "wrong"')
        held = _one_of(entry, "answer", "between") if number else ("answer", entry.need("answer"))
        if held is None:
            raise Wrong(item, 'an entry of "wrong" needs "answer" or "between"')
        answer = interval = None
        if held[0] == "between":
            interval = _interval(held[1])
        else:
            answer = str(_number(held[1], "answer")) if number else yaml.raw(held[1])
        beliefs.append(Belief(_sentence(entry, "teaches"), answer, interval))
        entry.finish()
    return tuple(beliefs)


_TOLERANCE = re.compile(r"(?P<percent>\d+(\.\d+)?)\s*%|x\s*(?P<factor>\d+(\.\d+)?)|(?P<absolute>\d+(\.\d+)?)")


def _tolerance(node: yaml.Node | None) -> Tolerance:
    if node is None:
        return Tolerance()
    match = _TOLERANCE.fullmatch(yaml.raw(node).strip())
    if match is None:
        raise Wrong(node, f'"tolerance" is a number, a percentage like 20% or a factor like x2, not {yaml.kind(node)}')
    if match["percent"]:
        return Tolerance(float(match["percent"]), Measure.PERCENT)
    if match["factor"]:
        if float(match["factor"]) < 1:
            raise Wrong(node, '"tolerance" as a factor is at least x1')
        return Tolerance(float(match["factor"]), Measure.FACTOR)
    return Tolerance(float(match["absolute"]))


def _expected_number(node: yaml.Node | None) -> float | Interval | None:
    if node is None:
        return None
    if isinstance(node, yaml.MappingNode):
        fields = Fields(node, '"expected"')
        interval = _interval(fields.need("between"))
        fields.finish()
        return interval
    return _number(node, "expected")


def _free_number(key: str, question: Text, fields: Fields) -> Number:
    unit = fields.get("unit")
    return Number(
        key=key,
        question=question,
        unit=None if unit is None else _text(unit, "unit", most=30),
        expected=_expected_number(fields.get("expected")),
        tolerance=_tolerance(fields.get("tolerance")),
        right=_sentence(fields, "right"),
        wrong=_beliefs(fields, number=True),
        otherwise=_sentence(fields, "otherwise"),
    )


def _free_word(key: str, question: Text, fields: Fields) -> Word:
    expected, spelled = fields.get("expected"), fields.get("spellings")
    spellings: dict[str, tuple[str, ...]] = {}
    if spelled is not None:
        Fields(spelled, '"spellings"')
        for name, others in spelled.value:
            spellings[yaml.raw(name)] = tuple(map(yaml.raw, yaml.items(others, "spellings")))
    return Word(
        key=key,
        question=question,
        expected=None if expected is None else yaml.raw(expected),
        right=_sentence(fields, "right"),
        wrong=_beliefs(fields, number=False),
        otherwise=_sentence(fields, "otherwise"),
        spellings=MappingProxyType(spellings),
    )


AGAIN = "again"
"""The field with the other words, and the end of the key under which their answers are kept."""
_NO_AGAIN = f'"{AGAIN}" is missing: the same question in other words, for whoever was wrong'


def _again(unit: str, name: str, first: yaml.MappingNode, again: yaml.Node, asked: Question) -> Question:
    """The question in other words: what `again` leaves out stands as it is in the first wording."""
    Fields(again, f'"{AGAIN}"')
    given = _named(again)
    inherited = {key: held for key, held in _named(first).items() if key != AGAIN}
    if "options" in given and not isinstance(asked, Choice):
        inherited = {}
    elif isinstance(asked, Choice):
        if "options" not in given:
            raise Wrong(again, f'"{AGAIN}" has "options": the same, in another order')
        items = yaml.items(given["options"], "options")
        before = {option.id: node for option, node in zip(asked.options, inherited["options"].value, strict=True)}
        order = [yaml.raw(_named(item)["id"]) if "id" in _named(item) else "" for item in items]
        if sorted(order) != sorted(before) or order == list(before):
            raise Wrong(given["options"], f'"{AGAIN}" has the options {", ".join(before)}, in another order')
        merged = [_with(before[id], item) for id, item in zip(order, items, strict=True)]
        given["options"] = _node(given["options"], merged)
    elif "expected" in given:
        inherited.pop("wrong", None)  # it was said of the first wording's numbers
    question = _entry(unit, f"{name}.{AGAIN}", _mapping(again, {**inherited, **given}), f'"{AGAIN}" of {name}')
    if not isinstance(question, Choice) and not isinstance(question.expected, (float, str)):
        raise Wrong(again, f'"{AGAIN}" is judged without a measurement, so it needs "expected", one value')
    if any(question.question.into(code) == asked.question.into(code) for code in LANGUAGES):
        raise Wrong(again, f'"{AGAIN}" asks in other words, in each language')
    if question.again is not None:
        raise Wrong(again, f'"{AGAIN}" is asked as often as it takes; it has no "{AGAIN}" of its own')
    if "{measured}" in "".join(_teaching(question)):
        raise Wrong(again, f'nothing is measured for "{AGAIN}"; write "teaches" without {{measured}}')
    return question


def _teaching(question: Question) -> Iterator[str]:
    texts = [option.teaches for option in question.options] if isinstance(question, Choice) else [question.right]
    if not isinstance(question, Choice):
        texts += [question.otherwise, *(belief.teaches for belief in question.wrong)]
    return (text.into(code) for text in texts for code in LANGUAGES)


def _named(node: yaml.Node) -> dict[str, yaml.Node]:
    return {yaml.raw(key): held for key, held in node.value} if isinstance(node, yaml.MappingNode) else {}


def _mapping(where: yaml.Node, named: Mapping[str, yaml.Node]) -> yaml.MappingNode:
    """A mapping that stands where `where` stands."""
    pairs = [(yaml.ScalarNode("tag:yaml.org,2002:str", name), held) for name, held in named.items()]
    for key, held in pairs:
        key.start_mark, key.end_mark = held.start_mark, held.end_mark
    return yaml.MappingNode("tag:yaml.org,2002:map", pairs, where.start_mark, where.end_mark)


def _with(option: yaml.Node, again: yaml.Node) -> yaml.MappingNode:
    for name in ("right", "value", "values", "between"):
        if name in _named(again):
            raise Wrong(again, f'"{name}" stays as it is; an option of "{AGAIN}" has an id and what is worded anew')
    return _mapping(again, {**_named(option), **_named(again)})


def _node(where: yaml.Node, items: list[yaml.MappingNode]) -> yaml.SequenceNode:
    return yaml.SequenceNode("tag:yaml.org,2002:seq", items, where.start_mark, where.end_mark)


def _entry(unit: str, name: str, node: yaml.Node, what: str = "") -> Question:
    fields = Fields(node, what or f"the prediction '{name}'")
    kind_node = fields.get("kind")
    kind = "choice" if kind_node is None else yaml.raw(kind_node)
    readers: dict[str, Callable[[str, Text, Fields], Question]] = {
        "choice": _choice,
        "number": _free_number,
        "word": _free_word,
    }
    if kind not in readers:
        assert kind_node is not None
        raise Wrong(kind_node, f'there is no kind "{kind}"{yaml.suggest(kind, readers)}')
    if kind == "choice" and fields.get("options") is None and fields.get("expected") is not None:
        raise Wrong(node, 'write "kind: number" or "kind: word" for a free answer, or give it "options"')
    question = _text(fields.need("question"), "question", most=QUESTION_LENGTH, translated=True)
    again = fields.get(AGAIN)
    read = readers[kind](f"{unit}.{name}", question, fields)
    fields.finish()
    if again is None:
        return read
    assert isinstance(node, yaml.MappingNode)
    return replace(read, again=_again(unit, name, node, again, read))


def read(
    path: Path, *, in_one_language: bool = False, each_again: bool = False
) -> tuple[Mapping[str, Question], tuple[Problem, ...]]:
    """The predictions of one file by name, and every problem in it; a broken entry leaves the others alone.

    Args:
        path: the file.
        in_one_language: whether a text may stand in one language alone.
        each_again: whether it is a problem that a prediction cannot be asked again, as in the course's own files.
    """
    problems: list[Problem] = []
    questions: dict[str, Question] = {}

    try:
        root = yaml.compose(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        return {}, (Problem(str(path), 1, "this file is not UTF-8; save it as UTF-8"),)
    except Wrong as wrong:
        return {}, (wrong.problem(path),)
    if not _UNIT.fullmatch(path.stem):
        problems.append(Problem(str(path), 1, f"the file is named after its unit, 05.yml or L1.yml, not {path.name}"))
    if root is None:
        return {}, tuple(problems)
    if in_one_language:
        yaml.in_every_language(root)
    seen: set[str] = set()
    try:
        for key, name, node in yaml.entries(root, "a file of predictions"):
            if name in seen:
                problems.append(Problem(str(path), yaml.line(key), f"there are two predictions named '{name}'"))
            elif not _NAME.fullmatch(name):
                says = f"{name!r} is no name for a prediction: lowercase English words joined by -"
                problems.append(Problem(str(path), yaml.line(key), says))
            seen.add(name)
            try:
                question = questions.setdefault(name, _entry(path.stem, name, node))
                if each_again and question.again is None:
                    problems.append(Problem(str(path), yaml.line(key), f"{name}: {_NO_AGAIN}"))
            except Wrong as wrong:
                problems.append(wrong.problem(path, f"{name}: "))
    except Wrong as wrong:
        problems.append(wrong.problem(path))
    problems.extend(_always_same_place(path, questions))
    return questions, tuple(problems)


def _always_same_place(path: Path, questions: Mapping[str, Question]) -> Iterator[Problem]:
    choices = [question for question in questions.values() if isinstance(question, Choice)]
    places = {[option.right for option in choice.options].index(True) for choice in choices}
    if len(choices) >= 4 and len(places) == 1:
        yield Problem(str(path), 1, f"the right option is number {places.pop() + 1} in every question; vary its place")


@functools.lru_cache(maxsize=64)
def _read_version(path: Path, changed: int, own: bool) -> tuple[Mapping[str, Question], tuple[Problem, ...]]:
    return read(path, in_one_language=own)


def load(unit: str) -> tuple[Mapping[str, Question], tuple[Problem, ...]]:
    """What `read()` says of a unit's file, read again only when it changed; nothing where there is no file.

    An instructor's own questions stand behind the course's; one by a name that the course has is a problem.
    """
    questions, problems = _load(FOLDER / f"{unit}.yml", own=False)
    path = own_course.find("predictions", f"{unit}.yml")
    if path is None:
        return questions, problems
    own, more = _load(path, own=True)
    return {**own, **questions}, (*problems, *more, *taken(path, own))


def taken(path: Path, own: Iterable[str]) -> Iterator[Problem]:
    """The names of an instructor's own file that the course has in that unit.

    Args:
        path: the file, named after its unit.
        own: the names in it.
    """
    questions, _ = _load(FOLDER / path.name, own=False)
    says = "the course has a prediction of this name"
    return (Problem(str(path), 1, f"{name}: {says}") for name in own if name in questions)


def _load(path: Path, *, own: bool) -> tuple[Mapping[str, Question], tuple[Problem, ...]]:
    try:
        changed = path.stat().st_mtime_ns
    except OSError:
        return {}, ()
    return _read_version(path, changed, own)


def files(unit: str) -> list[Path]:
    """The files with a unit's predictions: the course's, and an instructor's own."""
    paths = (FOLDER / f"{unit}.yml", own_course.find("predictions", f"{unit}.yml"))
    return [path for path in paths if path is not None and path.is_file()]


def units() -> tuple[str, ...]:
    """The units that have a file of predictions, in the course's order."""
    return tuple(sorted({path.stem for path in (*FOLDER.glob("*.yml"), *own_course.files("predictions/*.yml"))}))


def names() -> Mapping[str, tuple[str, ...]]:
    """The names of each unit's predictions, in the course's order."""
    return {unit: tuple(load(unit)[0]) for unit in units()}


_NO_KEY = Text(
    en="“{key}” is no key of a prediction; a key is the unit, a dot and a name, such as “05.status”.",
    tr="“{key}” bir tahmin anahtarı değil; anahtar, birim numarası, nokta ve addan oluşur: “05.status” gibi.",
)
_NO_SUCH = Text(
    en="Unit {unit} has no prediction “{name}”. It has: {names}.",
    tr="{unit} biriminde “{name}” adlı bir tahmin yok. Var olanlar: {names}.",
)
_NONE_AT_ALL = Text(
    en="Unit {unit} has no predictions. Units that have some: {units}.",
    tr="{unit} biriminin tahmini yok. Tahmini olan birimler: {units}.",
)
_BROKEN = Text(
    en="The prediction “{key}” can't be shown because its data is wrong: {problem}",
    tr="“{key}” tahmini gösterilemiyor, çünkü verisi hatalı: {problem}",
)


def find(key: str) -> Question:
    """The prediction with this key, `05.status`.

    Raises:
        PredictionError: there is none, or its data is wrong; the message names what there is, or file and line.
    """
    unit, dot, name = str(key).partition(".")
    if not dot or not _UNIT.fullmatch(unit) or not name:
        raise PredictionError(_NO_KEY, key=key)
    questions, problems = load(unit)
    if name in questions:
        return questions[name]
    for problem in problems:
        if problem.message.startswith(f"{name}: ") or not questions:
            raise PredictionError(_BROKEN, key=key, problem=problem)
    in_unit(unit)
    near = difflib.get_close_matches(name, questions, n=1)
    names = [*near, *(other for other in questions if other not in near)]
    raise PredictionError(_NO_SUCH, unit=unit, name=name, names=", ".join(names))


def in_unit(unit: str) -> tuple[Question, ...]:
    """The predictions of a unit, in the course's order.

    Raises:
        PredictionError: it has none.
    """
    questions = load(unit)[0] if _UNIT.fullmatch(unit) else {}
    if not questions:
        raise PredictionError(_NONE_AT_ALL, unit=unit, units=", ".join(units()) or "–")
    return tuple(questions.values())
