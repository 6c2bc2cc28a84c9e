"""What a prediction and its outcome look like: HTML that needs no script and survives sanitising, and plain text."""

from __future__ import annotations

import html
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wslab.language import LANGUAGES, Text, current_language, filled
from wslab.picture import BLUE, GREEN, ORANGE, PURPLE, VERMILION, sentence_html, stylesheet
from wslab.predictions.question import Choice, Judgement, Number, Question, Verdict, with_unit

LEAD = Text(en="Predict, before you run the next cell", tr="Sonraki hücreyi çalıştırmadan önce tahmin edin")
YOUR_PREDICTION = Text(en="Your prediction", tr="Tahmininiz")
WHAT_HAPPENED = Text(en="What happened", tr="Gerçekleşen")
NO_PREDICTION = Text(en="none given", tr="tahmin etmediniz")
SKIPPED = Text(en="skipped", tr="atladınız")
MEASURED = Text(en="measured: {measured}", tr="ölçülen: {measured}")
LATE = Text(en="given after the outcome, not counted", tr="sonuçtan sonra verildi, sayılmaz")
RUN_TO_ANSWER = Text(en="To answer, run this cell.", tr="Yanıtlamak için bu hücreyi çalıştırın.")
ANSWER_IN_CODE = Text(
    en="To answer: {call}.answer({example}), to skip: {call}.skip()",
    tr="Yanıtlamak için: {call}.answer({example}), atlamak için: {call}.skip()",
)

_VERDICTS = {
    Verdict.RIGHT: ("✓", GREEN, Text(en="As you predicted.", tr="Tahmin ettiğiniz gibi.")),
    Verdict.WRONG: ("≠", VERMILION, Text(en="Not what you predicted.", tr="Tahmininizden farklı.")),
    Verdict.ODD: ("?", PURPLE, Text(en="Undecided.", tr="Sonuçlanmadı.")),
    Verdict.UNANSWERED: ("·", BLUE, Text(en="For next time:", tr="Aklınızda olsun:")),
}
UNEXPECTED_OUTCOME = Text(en="Unexpected.", tr="Beklenmedik bir sonuç.")
_UNEXPECTED = ("?", PURPLE, UNEXPECTED_OUTCOME)

CSS = f"""
.wslab-predict{{border:1px solid var(--rule);border-left:6px solid {BLUE};border-radius:6px;padding:10px 16px;
 margin:4px 0;max-width:60em;overflow-wrap:anywhere}}
.wslab-predict p,.wslab-predict ul{{margin:6px 0}}
.wslab-predict .wslab-lead{{font-size:14px;color:var(--quiet)}}
.wslab-predict .wslab-question{{font-weight:600}}
.wslab.wslab-predict code{{font-size:.94em;background:var(--panel);border-radius:4px;padding:0 3px}}
.wslab-predict .wslab-quiet{{font-size:14px;color:var(--quiet)}}
.wslab-predict .wslab-fault{{font-size:14px;border-left:4px solid {ORANGE};padding-left:8px}}
.wslab-predict .wslab-pair p{{margin:2px 0}}
.wslab-predict .wslab-name{{display:inline-block;min-width:9.5em;color:var(--quiet)}}
"""


def local_time(iso: str) -> str:
    """A time of the store on the reader's clock: `2026-11-24 10:15`."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M")


def answer_text(question: Question, answer: str) -> str:
    """An answer as the learner reads it: an option's text, a number with its unit, a word."""
    if isinstance(question, Choice):
        option = question.option(answer)
        return answer if option is None else str(option.text)
    if isinstance(question, Number) and question.unit is not None:
        return str(with_unit(answer, question.unit))
    return answer


def _card(body: str, colour: str = BLUE) -> str:
    return (
        f'<div class="wslab wslab-predict" lang="{current_language()}" style="border-left-color:{colour}">'
        f"<style>{stylesheet()}{CSS}</style>{body}</div>"
    )


def _fault(fault: Text | None) -> str:
    return "" if fault is None else f'<p class="wslab-fault">{sentence_html(fault)}</p>'


def asked_view(question: Question, lead: str) -> dict[str, Any]:
    """What the card on which one answers shows of a question; see form.js."""
    return {
        "lang": current_language(),
        "key": question.key,
        "kind": question.kind,
        "lead": lead,
        "question": sentence_html(question.question),
        "options": [{"id": option.id, "html": sentence_html(option.text)} for option in question.options]
        if isinstance(question, Choice)
        else [],
        "unit": str(getattr(question, "unit", None) or ""),
    }


def question_html(question: Question, answered: str, fault: Text | None = None, lead: str = "") -> str:
    """The question where nobody can answer it: without a front end, or in a notebook that is not trusted.

    `answered` says what the learner answered, as text; "" if nothing. `lead` stands above the question.
    """
    options = ""
    if isinstance(question, Choice):
        options = "<ul>" + "".join(f"<li>{sentence_html(option.text)}</li>" for option in question.options) + "</ul>"
    state = (
        f"<strong>{YOUR_PREDICTION}:</strong> {sentence_html(answered)}" if answered else sentence_html(RUN_TO_ANSWER)
    )
    return _card(
        f'<p class="wslab-lead">{lead or LEAD}</p>'
        f'<p class="wslab-question"><strong>{sentence_html(question.question)}</strong></p>'
        f'{options}<p class="wslab-quiet">{state}</p>{_fault(fault)}'
    )


def question_text(question: Question, answered: str, fault: Text | None = None, lead: str = "", call: str = "") -> str:
    """The question as plain text, with the call that answers it."""
    lines = [lead or f"{LEAD} ({question.key})", f"  {question.question}"]
    call = call or f'predict("{question.key}")'
    example = "…"
    if isinstance(question, Choice):
        width = max(len(option.id) for option in question.options)
        lines += [f"    {option.id.ljust(width)}  {option.text}" for option in question.options]
        example = f'"{question.options[0].id}"'
    lines.append(
        f"  {YOUR_PREDICTION}: {answered}" if answered else f"  {ANSWER_IN_CODE.format(call=call, example=example)}"
    )
    if fault is not None:
        lines.append(f"  {fault}")
    return "\n".join(lines)


_RIGHT_AGAIN = ("✓", GREEN, Text(en="Right.", tr="Doğru."))
_WRONG_AGAIN = ("≠", VERMILION, Text(en="No.", tr="Hayır."))


def _heading_again(judgement: Judgement) -> tuple[str, str, Text]:
    return _RIGHT_AGAIN if judgement.verdict is Verdict.RIGHT else _WRONG_AGAIN


def judged_again_html(judgement: Judgement) -> str:
    """What the course says of an answer to a question that is asked again: a line for the card."""
    mark, colour, word = _heading_again(judgement)
    style = f"border-left:4px solid {colour};padding-left:8px"
    return (
        f'<span style="display:block;{style}"><strong>{mark} {word}</strong> {sentence_html(judgement.sentence)}</span>'
    )


def judged_again_text(judgement: Judgement) -> str:
    """The same as plain text."""
    mark, _, word = _heading_again(judgement)
    return f"{mark} {word} {judgement.sentence}"


def note_html(note: Text) -> str:
    """A card that only says something."""
    return _card(f"<p>{sentence_html(note)}</p>")


_YOUR_VERSION = Text(en="Measured in your version.", tr="Sizin sürümünüzde ölçüldü.")
_AGAIN = Text(en="Measured again.", tr="Yeniden ölçüldü.")
_CHANGED_ONE = Text(
    en="You have changed or added {cells}, so this is no answer to the prediction.",
    tr="{cells} hücresini siz değiştirdiniz ya da eklediniz. Bu yüzden ölçüm tahmininizin yanıtı sayılmaz.",
)
_CHANGED_SEVERAL = Text(
    en="You have changed or added these cells: {cells}. So this is no answer to the prediction.",
    tr="Şu hücreleri siz değiştirdiniz ya da eklediniz: {cells}. Bu yüzden ölçüm tahmininizin yanıtı sayılmaz.",
)
_FIRST_TIME = Text(en="The first run gave: {first}.", tr="İlk çalıştırmada çıkan: {first}.")
_MOST_CELLS = 4


@dataclass(frozen=True, slots=True)
class Again:
    """Why a measurement has no verdict.

    Attributes:
        changed: whether a cell is not as the course has it; otherwise the same cells were run once more.
        cells: the changed ones: `In[7]`.
        first: what the first run in this session gave; empty if this is the first.
    """

    changed: bool
    cells: tuple[str, ...]
    first: str

    @property
    def heading(self) -> tuple[str, str, Text]:
        """Its sign, its colour, its word."""
        return ("↻", BLUE, _YOUR_VERSION if self.changed else _AGAIN)

    @property
    def sentence(self) -> Text:
        """What the learner reads."""
        parts = []
        if self.changed:
            names = ", ".join(self.cells[-_MOST_CELLS:])
            parts.append(filled(_CHANGED_ONE if len(self.cells) == 1 else _CHANGED_SEVERAL, cells=names))
        if self.first:
            parts.append(filled(_FIRST_TIME, first=self.first))
        return Text(**{code: " ".join(part.into(code) for part in parts) for code in LANGUAGES})


@dataclass(frozen=True, slots=True)
class OutcomeCard:
    """Prediction and outcome side by side, and the sentence.

    Attributes:
        predicted: the learner's answer as text, or that there is none.
        judgement: what the measurement makes of it.
        late: whether the answer came after the outcome.
        fault: why it could not be saved.
        again: why there is no verdict; None where there is one.
    """

    predicted: str
    judgement: Judgement
    late: bool
    fault: Text | None
    again: Again | None = None

    def _happened(self) -> tuple[str, str]:
        happened = str(self.judgement.happened)
        # The raw value is the evidence; it is left out where the words say the same.
        told = self.judgement.measured in happened
        return happened, "" if told else MEASURED.format(measured=self.judgement.measured)

    def _heading(self) -> tuple[str, str, Text]:
        if self.again is not None:
            return self.again.heading
        if self.judgement.verdict is Verdict.UNANSWERED and not self.judgement.expected:
            return _UNEXPECTED
        return _VERDICTS[self.judgement.verdict]

    def html(self) -> str:
        """The card; readable without its styles as well."""
        mark, colour, word = self._heading()
        happened, evidence = self._happened()
        late = f' <span class="wslab-quiet">({LATE})</span>' if self.late else ""
        evidence = f' <span class="wslab-quiet">({html.escape(evidence)})</span>' if evidence else ""
        return _card(
            f'<div class="wslab-pair"><p><span class="wslab-name">{YOUR_PREDICTION}:</span> '
            f"{sentence_html(self.predicted)}{late}</p>"
            f'<p><span class="wslab-name">{WHAT_HAPPENED}:</span> '
            f"<strong>{sentence_html(happened)}</strong>{evidence}</p></div>"
            f"<p><strong>{mark} {word}</strong> {sentence_html(self.judgement.sentence)}</p>{_fault(self.fault)}",
            colour,
        )

    def text(self) -> str:
        """The card as plain text."""
        mark, _, word = self._heading()
        happened, evidence = self._happened()
        width = max(len(str(YOUR_PREDICTION)), len(str(WHAT_HAPPENED))) + 1
        lines = [
            f"{str(YOUR_PREDICTION) + ':':<{width}} {self.predicted}" + (f" ({LATE})" if self.late else ""),
            f"{str(WHAT_HAPPENED) + ':':<{width}} {happened}" + (f" ({evidence})" if evidence else ""),
            f"{mark} {word} {self.judgement.sentence}",
        ]
        if self.fault is not None:
            lines.append(str(self.fault))
        return "\n".join(lines)
