"""What a vote came to: plain data, and its picture. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from wslab.language import Text, current_language, shortened
from wslab.picture import (
    AS_TABLE,
    BLUE,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    joined,
    markup,
    sentence_html,
    stylesheet,
    table,
)
from wslab.predictions.question import Choice, Number, Question, Verdict, Word, judge, normal_word, with_unit

_COLOURS = (BLUE, ORANGE, PURPLE, SKY, VERMILION, GREEN)
_GLYPHS = ("●", "▲", "■", "◆", "★", "✚")
_MOST_FREE = 6  # different free answers that get a bar of their own
_LABEL = 60  # characters of a free answer

_VOTED = Text(en="{votes} of {people} have voted", tr="{people} kişiden {votes} kişi oy verdi")
_OPEN = Text(en="the vote is open", tr="oylama açık")
_CLOSED = Text(en="the vote is closed", tr="oylama kapandı")
_RIGHT = Text(en="right", tr="doğru")
_OTHER = Text(en="other answers", tr="diğer yanıtlar")
_HEAD = (Text(en="answer", tr="yanıt"), Text(en="votes", tr="oy"), Text(en="share", tr="oran"))
_PICTURE = Text(en="How the votes split", tr="Oyların dağılımı")

CSS = """
.wslab-split{border:1px solid var(--rule);border-radius:6px;padding:12px 16px;margin:4px 0;max-width:60em;
 overflow-wrap:anywhere}
.wslab.wslab-split h3{font-size:18px;font-weight:700;line-height:1.35;margin:0 0 4px;color:var(--ink)}
.wslab-split p{margin:4px 0}
.wslab-split .wslab-quiet{color:var(--quiet);font-size:15px}
.wslab-bar{display:grid;grid-template-columns:1.6em 1fr auto;gap:2px 8px;align-items:baseline;margin:10px 0;
 font-size:16px}
.wslab-bar .wslab-glyph{font-size:18px;line-height:1}
.wslab-bar .wslab-count{font-weight:700;white-space:nowrap}
.wslab-bar .wslab-track{grid-column:2/4;height:22px;border:1px solid var(--quiet);border-radius:4px;
 background:var(--panel)}
.wslab-bar .wslab-fill{height:20px;border-radius:3px;min-width:0}
.wslab-bar.wslab-is-right .wslab-track{outline:3px solid #009E73;outline-offset:1px}
.wslab.wslab-split code{font-size:.94em;background:var(--panel);border-radius:4px;padding:0 3px}
"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One answer and how many gave it.

    Attributes:
        answer: an option's id, or a free answer; "" for the free answers that are too rare for a bar of their own.
        text: as it is read.
        votes: how many people gave it.
        right: whether it is the right one, None as long as the instructor has not revealed that.
    """

    answer: str
    text: str
    votes: int
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """A vote at one moment; as the last expression of a cell it is a picture of the split.

    Attributes:
        key: of the prediction, `07.order`.
        question: what was asked.
        asked: when.
        open: whether people may still vote and change their vote.
        people: how many had joined, voters or not.
        answers: what each person answered, by nickname.
        bars: the split, in the order of the options; of free answers the most frequent first.
    """

    key: str
    question: str
    asked: datetime
    open: bool
    people: int
    answers: Mapping[str, str]
    bars: tuple[Bar, ...]

    @property
    def votes(self) -> int:
        """How many people voted."""
        return len(self.answers)

    @property
    def counts(self) -> dict[str, int]:
        """Votes by answer."""
        return {bar.answer: bar.votes for bar in self.bars}

    def state(self) -> str:
        """`17 of 24 have voted · the vote is open`."""
        voted = _VOTED.format(votes=self.votes, people=max(self.people, self.votes))
        return f"{voted} · {_OPEN if self.open else _CLOSED}"

    def _share(self, bar: Bar) -> int:
        return round(100 * bar.votes / self.votes) if self.votes else 0

    def _row(self, bar: Bar) -> tuple[str, int, str]:
        return f"{bar.text} ✓ {_RIGHT}" if bar.right else bar.text, bar.votes, f"{self._share(bar)} %"

    def __repr__(self) -> str:
        lines = [self.question, f"  {self.state()}"]
        for number, bar in enumerate(self.bars):
            blocks = "█" * round(self._share(bar) / 5)
            text, votes, share = self._row(bar)
            lines.append(f"  {_GLYPHS[number % 6]} {votes:>3}  {share:>5}  {blocks:<20}  {text}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return f"<style>{stylesheet()}{CSS}</style>{self.html()}"

    def html(self) -> Markup:
        """The picture and the same as a table, without the style sheet."""
        told = "; ".join(f"{text}: {votes} ({share})" for text, votes, share in map(self._row, self.bars))
        picture = markup(
            '<div role="img" aria-label="{}: {}">{}</div><details><summary>{}</summary>{}</details>',
            _PICTURE,
            told,
            joined(self._bar_html(number, bar) for number, bar in enumerate(self.bars)),
            AS_TABLE,
            table(_HEAD, map(self._row, self.bars)),
        )
        return self._framed(picture)

    def state_html(self) -> Markup:
        """The question and how many have voted, but not what."""
        return self._framed(Markup())

    def _framed(self, picture: Markup) -> Markup:
        return markup(
            '<div class="wslab wslab-split" lang="{}"><h3>{}</h3><p class="wslab-quiet">{}</p>{}</div>',
            current_language(),
            sentence_html(self.question),
            self.state(),
            picture,
        )

    def _bar_html(self, number: int, bar: Bar) -> Markup:
        return markup(
            '<div class="wslab-bar{mark}"><span class="wslab-glyph">{glyph}</span><span>{text}{right}</span>'
            '<span class="wslab-count">{votes} · {share} %</span><div class="wslab-track">'
            '<div class="wslab-fill" style="width:{share}%;background:{colour}"></div></div></div>',
            mark=" wslab-is-right" if bar.right else "",
            glyph=_GLYPHS[number % 6],
            text=sentence_html(bar.text),
            right=markup(" <strong>✓ {}</strong>", _RIGHT) if bar.right else "",
            votes=bar.votes,
            share=self._share(bar),
            colour=_COLOURS[number % 6],
        )


@dataclass(frozen=True, slots=True)
class Measured:
    """What a run measured (None may be just that), or what the course expects it to."""

    value: object


def expected(question: Question) -> Measured | None:
    """A measurement that the course expects for `question`, None where it leaves that to the run."""
    if isinstance(question, Choice):
        right = next((option for option in question.options if option.right), None)
        if right is None:
            return None
        if right.values:
            return Measured(right.values[0])
        interval = right.interval
    elif isinstance(question, Number) and not isinstance(question.expected, float | int):
        interval = question.expected
    else:
        return None if question.expected is None else Measured(question.expected)
    if interval is None:
        return None
    ends = [end for end in (interval.low, interval.high) if end is not None]
    # Any number inside will do; the low end belongs to the interval, the high one does not.
    return Measured(sum(ends) / len(ends) if interval.low is not None else ends[0] - 1)


def is_right(question: Question, answer: str, measured: Measured) -> bool:
    """Whether `answer` is what was measured."""
    if isinstance(question, Number) and not isinstance(question.expected, float | int | None):
        interval = question.expected
        if interval is not None and isinstance(measured.value, float | int) and measured.value in interval:
            return float(answer) in interval
    return judge(question, measured.value, answer).verdict is Verdict.RIGHT


def alike(question: Question, answer: str) -> str:
    """The same text for free answers that mean the same: a number in its shortest form, a word without case."""
    if isinstance(question, Number):
        return f"{float(answer):g}"
    if isinstance(question, Word):
        return normal_word(answer)
    return answer


def _short(text: str) -> str:
    return shortened(re.sub(r"\s+", " ", text), _LABEL)


def _right_answer(question: Question, measured: Measured) -> str:
    """The right free answer where nobody gave it; "" where any number of a range is right."""
    if isinstance(question, Number) and not isinstance(question.expected, float | int):
        return ""
    return judge(question, measured.value, None).measured


def bars_of(question: Question, answers: Mapping[str, str], measured: Measured | None) -> tuple[Bar, ...]:
    """The split of `answers` (by whoever gave them); `measured` tells what is right, None keeps that back."""

    def right(answer: str) -> bool | None:
        return None if measured is None else is_right(question, answer, measured)

    counted = Counter(alike(question, answer) for answer in answers.values())
    if isinstance(question, Choice):
        return tuple(
            Bar(option.id, str(option.text), counted[option.id], right(option.id)) for option in question.options
        )
    spelled: dict[str, str] = {}
    for answer in answers.values():
        spelled.setdefault(alike(question, answer), answer)

    def read(answer: str) -> str:
        if isinstance(question, Number) and question.unit is not None:
            return str(with_unit(answer, question.unit))
        return _short(answer)

    frequent = counted.most_common(_MOST_FREE)
    bars = [
        Bar(key, read(spelled[key] if isinstance(question, Word) else key), votes, right(spelled[key]))
        for key, votes in frequent
    ]
    if measured is not None and not any(bar.right for bar in bars):
        answer = _right_answer(question, measured)
        bars += [Bar(answer, read(answer), 0, True)] if answer else []
    rest = sum(counted.values()) - sum(votes for _, votes in frequent)
    if rest:
        bars.append(Bar("", str(_OTHER), rest, None))
    return tuple(bars)
