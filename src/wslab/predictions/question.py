"""What a prediction asks, and what a measured value makes of an answer. Pure: no files, no widgets, no clock."""

from __future__ import annotations

import enum
import math
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from wslab.errors import LabError
from wslab.language import Text, shortened

_SHOWN_AT_MOST = 200


class AnswerError(LabError):
    """What was given is no answer to this question; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Interval:
    """The numbers with low ≤ number < high; None leaves an end open."""

    low: float | None = None
    high: float | None = None

    def __contains__(self, number: float) -> bool:
        return (self.low is None or self.low <= number) and (self.high is None or number < self.high)

    def overlaps(self, other: Interval) -> bool:
        """Whether some number lies in both."""
        low = max(-math.inf if end is None else end for end in (self.low, other.low))
        high = min(math.inf if end is None else end for end in (self.high, other.high))
        return low < high


@dataclass(frozen=True, slots=True)
class Option:
    """One of the answers that a choice offers.

    Attributes:
        id: what the store keeps.
        text: what the learner reads.
        teaches: one sentence: what the difference teaches, or why this is what happens.
        right: whether the course expects this to be measured.
        values: measured values that mean this option.
        interval: measured numbers that mean this option.
    """

    id: str
    text: Text
    teaches: Text
    right: bool = False
    values: tuple[object, ...] = ()
    interval: Interval | None = None


@dataclass(frozen=True, slots=True)
class Belief:
    """A free answer that reveals a known confusion, and the sentence for whoever gave it."""

    teaches: Text
    answer: str | None = None
    interval: Interval | None = None


class Measure(enum.Enum):
    """How the distance between an answer and a measurement is counted."""

    ABSOLUTE = "absolute"
    PERCENT = "percent"
    FACTOR = "factor"


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How near to the measured number an answer is right."""

    amount: float = 0.0
    measure: Measure = Measure.ABSOLUTE

    def covers(self, answer: float, measured: float) -> bool:
        """Whether `answer` is near enough to `measured`."""
        if self.measure is Measure.FACTOR:
            if answer == measured:
                return True
            return answer * measured > 0 and 1 / self.amount <= answer / measured <= self.amount
        allowed = self.amount if self.measure is Measure.ABSOLUTE else abs(measured) * self.amount / 100
        # Room for the rounding of 0.1 + 0.2, never for a wrong answer.
        return abs(answer - measured) <= allowed + 1e-9 * max(abs(answer), abs(measured))


@dataclass(frozen=True, slots=True)
class Choice:
    """A question with two to six answers to choose from.

    Attributes:
        key: the unit, a dot, the name.
        question: what the learner reads.
        options: the answers.
        again: the same in other words, for whoever was wrong; `Number` and `Word` have it, too.
    """

    key: str
    question: Text
    options: tuple[Option, ...]
    again: Question | None = None
    kind: ClassVar[str] = "choice"

    def option(self, id: str) -> Option | None:
        """The option with this id."""
        return next((option for option in self.options if option.id == id), None)


@dataclass(frozen=True, slots=True)
class Number:
    """A question whose answer is a number."""

    key: str
    question: Text
    right: Text
    otherwise: Text
    expected: float | Interval | None = None
    tolerance: Tolerance = Tolerance()
    wrong: tuple[Belief, ...] = ()
    unit: Text | None = None
    again: Question | None = None
    kind: ClassVar[str] = "number"


@dataclass(frozen=True, slots=True)
class Word:
    """A question whose answer is a word."""

    key: str
    question: Text
    right: Text
    otherwise: Text
    expected: str | None = None
    wrong: tuple[Belief, ...] = ()
    spellings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    again: Question | None = None
    kind: ClassVar[str] = "word"


Question: TypeAlias = Choice | Number | Word


class Verdict(enum.Enum):
    """What a measurement makes of an answer."""

    RIGHT = "right"
    WRONG = "wrong"
    ODD = "odd"
    """The machine measured what the course did not expect, so nobody was wrong."""
    UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class Judgement:
    """An answer held against a measurement.

    Attributes:
        verdict: right, wrong, odd or unanswered.
        measured: the measured value as text.
        happened: what happened in the question's own words (an option's text), or the measured value.
        option: the id of the option that the measured value means.
        expected: whether the measured value is what the course expects.
        sentence: what the run teaches whoever gave this answer, or an honest word on an odd measurement.
    """

    verdict: Verdict
    measured: str
    happened: Text
    option: str | None
    expected: bool
    sentence: Text


def shown(measured: object) -> str:
    """`measured` as a reader sees it: an exception by its class and message, a text as it is, a float shortened."""
    if isinstance(measured, type):
        text = measured.__name__
    elif isinstance(measured, BaseException):
        text = f"{type(measured).__name__}: {measured}" if str(measured) else type(measured).__name__
    elif isinstance(measured, enum.Enum):
        return shown(measured.value)
    elif isinstance(measured, float):
        text = f"{measured:.4g}"
    elif isinstance(measured, str):
        text = measured
    else:
        text = repr(measured)
    # A lone surrogate can be neither stored nor sent to a browser.
    text = " ".join(text.encode("utf-8", "backslashreplace").decode("utf-8").split())
    return shortened(text, _SHOWN_AT_MOST)


def plain(value: object) -> object:
    """`value` in the terms of a YAML file: enumerations by value, tuples and sets as lists."""
    if isinstance(value, enum.Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(plain(name)): plain(item) for name, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((plain(item) for item in value), key=repr)
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return [plain(item) for item in value]
    return value


def _as_text(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_as_text(item) for item in value) + "]"
    return str(value)


def same(value: object, measured: object) -> bool:
    """Whether a value written in a file means this measured value: equal, or equal as text (`500` and "500")."""
    value, measured = plain(value), plain(measured)
    if isinstance(value, list) and isinstance(measured, list):
        return len(value) == len(measured) and all(map(same, value, measured))
    if isinstance(value, dict) and isinstance(measured, dict):
        return value.keys() == measured.keys() and all(same(value[name], measured[name]) for name in value)
    if isinstance(value, bool) == isinstance(measured, bool) and value == measured:
        return True
    return _as_text(value) == _as_text(measured)


def as_number(value: object) -> float | None:
    """A measured number; None for anything else, truth values and not-a-number among it."""
    value = plain(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or math.isnan(value):
        return None
    return float(value)


def _exception_names(measured: object) -> tuple[str, ...]:
    """The names of an exception's class and its base classes, the most exact first."""
    kind = measured if isinstance(measured, type) else type(measured)
    if not issubclass(kind, BaseException):
        return ()
    return tuple(base.__name__ for base in kind.__mro__ if base not in (Exception, BaseException, object)) or (
        kind.__name__,
    )


def option_for(choice: Choice, measured: object) -> Option | None:
    """The option that a measured value means."""
    for name in _exception_names(measured):
        for option in choice.options:
            if name in map(_as_text, option.values):
                return option
    for option in choice.options:
        if any(same(value, measured) for value in option.values):
            return option
    number = as_number(measured)
    if number is not None:
        for option in choice.options:
            if option.interval is not None and number in option.interval:
                return option
    return None


def normal_word(word: str) -> str:
    """`word` without what does not count: case, spaces, quotes, a closing `()` or full stop, the dot of an i."""
    word = unicodedata.normalize("NFKC", word).strip(" \t\n`'\"“”‘’«»").rstrip(".")
    word = word.removesuffix("()")
    return re.sub(r"\s+", "", word.replace("İ", "i").replace("ı", "i").casefold())


def _same_word(word: Word, answer: str, measured: str) -> bool:
    if normal_word(answer) == normal_word(measured):
        return True
    return any(
        normal_word(name) == normal_word(measured) and normal_word(answer) in map(normal_word, others)
        for name, others in word.spellings.items()
    )


_NUMBER = re.compile(r"([+\-−]?)\s*(\d+(?:[ _]\d{3})*)(?:[.,](\d+))?")
_THOUSANDS = re.compile(r"[+\-−]?[1-9]\d{0,2}([.,]\d{3})+")

_NOT_A_NUMBER = Text(
    en="“{answer}” is not a number. Write one in digits, such as 11 or 0.5.",
    tr="“{answer}” bir sayı değil. Rakamla yazın; örneğin 11 ya da 0,5.",
)
_AMBIGUOUS = Text(
    en="“{answer}” can be read in two ways. Write a large number without separators, such as 3000, and a fraction "
    "with fewer digits, such as 1.5.",
    tr="“{answer}” iki türlü okunabiliyor. Büyük sayıları 3000 gibi ayraçsız, kesirleri 1,5 gibi daha az basamakla "
    "yazın.",
)
_NOTHING = Text(
    en="Nothing is written yet. Write your answer, or skip this one.",
    tr="Henüz bir şey yazmadınız. Yanıtınızı yazın ya da bu soruyu atlayın.",
)
_CHOOSE = Text(
    en="“{answer}” is not one of the answers. Choose one of: {options}.",
    tr="“{answer}” yanıtlardan biri değil. Şunlardan birini seçin: {options}.",
)


def read_answer(question: Question, given: object) -> str:
    """The answer as the store keeps it: an option's id, a number in digits, a word.

    Raises:
        AnswerError: `given` is no answer to this question.
    """
    if isinstance(question, Choice):
        text = _as_text(plain(given)).strip()
        if question.option(text) is None:
            raise AnswerError(_CHOOSE, answer=text, options=", ".join(option.id for option in question.options))
        return text
    text = " ".join(str(given).encode("utf-8", "replace").decode("utf-8").split())
    if not text:
        raise AnswerError(_NOTHING)
    if isinstance(question, Word):
        return text[:_SHOWN_AT_MOST]
    if as_number(given) is not None:
        return text
    bare = text
    for unit in () if question.unit is None else (question.unit.into(code) for code in question.unit.languages):
        bare = bare.removesuffix(unit).strip()
    if _THOUSANDS.fullmatch(bare):
        raise AnswerError(_AMBIGUOUS, answer=text)
    match = _NUMBER.fullmatch(bare)
    if match is None:
        raise AnswerError(_NOT_A_NUMBER, answer=text)
    sign, whole, fraction = match.groups()
    digits = ("-" if sign in ("-", "−") else "") + re.sub(r"[ _]", "", whole)
    return f"{digits}.{fraction}" if fraction else digits


def is_answer(question: Question, kept: str) -> bool:
    """Whether what the store kept is an answer to the question as it stands today."""
    if isinstance(question, Choice):
        return question.option(kept) is not None
    if isinstance(question, Number):
        try:
            return math.isfinite(float(kept))
        except ValueError:
            return False
    return True


_FITS_NONE = Text(
    en="Here `{measured}` was measured. That fits none of the answers, so your prediction stays undecided. "
    "Run the cell again; if it comes out like this every time, your versions may differ from the course's: "
    "`wslab doctor` says so.",
    tr="Burada `{measured}` ölçüldü. Bu, yanıtların hiçbirine uymuyor; bu yüzden tahmininiz sonuçlanmamış sayılır. "
    "Hücreyi yeniden çalıştırın; hep böyle çıkıyorsa sürümleriniz kursunkinden farklı olabilir: "
    "`wslab doctor` bunu söyler.",
)
_NOT_EXPECTED = Text(
    en="Here `{measured}` was measured, which the course did not expect, so your prediction stays undecided. "
    "Run the cell again; if it comes out like this every time, your versions may differ from the course's: "
    "`wslab doctor` says so.",
    tr="Burada `{measured}` ölçüldü; kurs bunu beklemiyordu, bu yüzden tahmininiz sonuçlanmamış sayılır. "
    "Hücreyi yeniden çalıştırın; hep böyle çıkıyorsa sürümleriniz kursunkinden farklı olabilir: "
    "`wslab doctor` bunu söyler.",
)
_NOT_EXPECTED_BUT_RIGHT = Text(
    en="That is what this machine did, and you saw it coming; the course expected something else. "
    "If it comes out like this every time, your versions may differ from the course's: `wslab doctor` says so.",
    tr="Bu makinede olan bu ve siz bunu tahmin ettiniz; kurs başka bir şey bekliyordu. "
    "Hep böyle çıkıyorsa sürümleriniz kursunkinden farklı olabilir: `wslab doctor` bunu söyler.",
)
_NOT_EXPECTED_UNASKED = Text(
    en="Here `{measured}` was measured, which the course did not expect. Run the cell again; if it comes out like "
    "this every time, your versions may differ from the course's: `wslab doctor` says so.",
    tr="Burada `{measured}` ölçüldü; kurs bunu beklemiyordu. Hücreyi yeniden çalıştırın; hep böyle çıkıyorsa "
    "sürümleriniz kursunkinden farklı olabilir: `wslab doctor` bunu söyler.",
)


def fill(text: Text, **values: str) -> Text:
    """`text` with each `{name}` of `values` filled in; every other brace is literal."""
    pattern = re.compile("|".join(re.escape(f"{{{name}}}") for name in values))

    def into(language: str) -> str:
        return pattern.sub(lambda match: values[match.group()[1:-1]], text.into(language))

    return Text(**{language: into(language) for language in text.languages})


def _judged(
    *,
    measured: object,
    happened: Text,
    option: str | None,
    expected: bool,
    answered: bool,
    right: bool,
    teaches: Text,
    unexpected: Text = _NOT_EXPECTED,
    answer: str = "",
) -> Judgement:
    """`right` says whether the answer is what was measured, `teaches` what the course says to that answer."""
    if not answered:
        verdict, sentence = Verdict.UNANSWERED, teaches if expected else _NOT_EXPECTED_UNASKED
    elif right:
        verdict, sentence = Verdict.RIGHT, teaches if expected else _NOT_EXPECTED_BUT_RIGHT
    elif expected:
        verdict, sentence = Verdict.WRONG, teaches
    else:
        verdict, sentence = Verdict.ODD, unexpected
    text = shown(measured)
    return Judgement(verdict, text, happened, option, expected, fill(sentence, measured=text, answer=answer))


def judge_as_taught(question: Question, answer: str | None) -> Judgement:
    """Hold `answer` against what the course teaches, where nothing is measured: a question that is asked again,
    or one about a program that is not installed."""
    if isinstance(question, Choice):
        right = next(option for option in question.options if option.right)
        chosen = None if answer is None else question.option(answer)
        return _judged(
            measured="",
            happened=right.text,
            option=right.id,
            expected=True,
            answered=chosen is not None,
            right=chosen is right,
            teaches=right.teaches if chosen is None else chosen.teaches,
            answer="" if chosen is None else str(chosen.text),
        )
    return judge(question, question.expected, answer)


def judge(question: Question, measured: object, answer: str | None) -> Judgement:
    """Hold `answer`, as `read_answer()` gave it (None: there is none), against what was measured.

    The measurement decides: who predicted what was measured is right, and nobody is wrong because the machine
    measured something that the course does not expect.
    """
    if isinstance(question, Choice):
        return _judge_choice(question, measured, answer)
    if isinstance(question, Number):
        return _judge_number(question, measured, answer)
    return _judge_word(question, measured, answer)


def _judge_choice(choice: Choice, measured: object, answer: str | None) -> Judgement:
    meant = option_for(choice, measured)
    # An option that a newer edition of the course no longer has counts as no answer.
    chosen = None if answer is None else choice.option(answer)
    expected = meant is not None and meant.right
    teaching = meant if chosen is None else chosen
    return _judged(
        measured=measured,
        happened=Text.of(shown(measured)) if meant is None else meant.text,
        option=None if meant is None else meant.id,
        expected=expected,
        answered=chosen is not None,
        right=chosen is not None and chosen is meant,
        teaches=_FITS_NONE if teaching is None else teaching.teaches,
        unexpected=_FITS_NONE if meant is None else _NOT_EXPECTED,
        answer="" if chosen is None else str(chosen.text),
    )


def _judge_number(number: Number, measured: object, answer: str | None) -> Judgement:
    value = as_number(measured)
    given = None if answer is None else float(answer)
    if value is None:
        expected = False
    elif isinstance(number.expected, Interval):
        expected = value in number.expected
    else:
        expected = number.expected is None or number.tolerance.covers(number.expected, value)
    right = given is not None and value is not None and number.tolerance.covers(given, value)
    teaches = number.right
    if given is not None and not right:
        beliefs = (
            belief.teaches
            for belief in number.wrong
            if (belief.answer is not None and float(belief.answer) == given)
            or (belief.interval is not None and given in belief.interval)
        )
        teaches = next(beliefs, number.otherwise)
    text = shown(measured)
    return _judged(
        measured=measured,
        happened=Text.of(text) if number.unit is None or value is None else with_unit(text, number.unit),
        option=None,
        expected=expected,
        answered=given is not None,
        right=right,
        teaches=teaches,
        answer=answer or "",
    )


def with_unit(number: str, unit: Text) -> Text:
    """A number with its unit, as each language says it: `3 bars`, `1 bar`, `1 çubuk`."""

    def into(language: str) -> str:
        name = unit.into(language)
        # English counts one of a thing in the singular; a symbol such as s or ms has none.
        singular = language == "en" and number == "1" and len(name) > 3 and name.endswith("s")
        return f"{number} {name[:-1] if singular else name}"

    return Text(**{language: into(language) for language in unit.languages})


def _judge_word(word: Word, measured: object, answer: str | None) -> Judgement:
    names = _exception_names(measured) or (shown(measured),)
    measured_word = names[0]
    expected = word.expected is None or any(_same_word(word, name, word.expected) for name in names)
    # A base class would be too easy an answer (`OSError`), so only the exact one is right.
    right = answer is not None and _same_word(word, answer, measured_word)
    teaches = word.right
    if answer is not None and not right:
        beliefs = (
            belief.teaches
            for belief in word.wrong
            if belief.answer is not None and normal_word(belief.answer) == normal_word(answer)
        )
        teaches = next(beliefs, word.otherwise)
    return _judged(
        measured=measured,
        happened=Text.of(measured_word),
        option=None,
        expected=expected,
        answered=answer is not None,
        right=right,
        teaches=teaches,
        answer=answer or "",
    )
