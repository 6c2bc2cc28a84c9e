"""ask_again(): at the end of a unit, the predictions that went wrong, asked once more in other words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from wslab.jupyter import somebody_watches
from wslab.language import Text, current_language
from wslab.predictions import cards, catalogue
from wslab.predictions.asking import keep_and_show, labels, options_of
from wslab.predictions.question import Judgement, Question, Verdict, judge_as_taught, read_answer
from wslab.progress.database import Store, counted_answer, first_verdict, store

if TYPE_CHECKING:
    from wslab.predictions.form import PredictionForm

_LEAD = Text(en="Asked again: {number} of {count}", tr="Yeniden soruluyor: {number}/{count}")
_NEXT = Text(en="Next question", tr="Sonraki soru")
_END = Text(
    en="That was the last one. Right this time: {right} of {count}.",
    tr="Sonuncusu buydu. Bu kez doğru: {count} sorudan {right}.",
)
_ONCE_MORE = Text(
    en="To be asked again what is not right yet, run this cell once more.",
    tr="Henüz doğru olmayanların yeniden sorulması için bu hücreyi bir kez daha çalıştırın.",
)
_SKIPPED = Text(
    en="Skipped. It is asked again when you run this cell.", tr="Atladınız. Hücre çalıştırılınca yine sorulur."
)
_NO_OUTCOME = Text(
    en="There is nothing to ask again yet: no prediction of this unit has been answered and compared with its outcome.",
    tr="Yeniden sorulacak bir şey henüz yok: bu birimde yanıtlayıp sonucuyla karşılaştırdığınız bir tahmin yok.",
)
_ALL_RIGHT = Text(
    en="There is nothing to ask again: of the predictions that you made in this unit, none was wrong.",
    tr="Yeniden sorulacak bir şey yok: bu birimdeki tahminlerinizin hiçbiri yanlış çıkmadı.",
)
_ALL_MENDED = Text(
    en="There is nothing to ask again: what was wrong at first, you have answered right since.",
    tr="Yeniden sorulacak bir şey yok: başta yanlış olanları sonradan doğru yanıtladınız.",
)


def ask_again(unit: str) -> Review:
    """Ask again, in other words, what the learner predicted wrong in a unit; returns at once.

    Args:
        unit: its number, `"04"`.

    Returns:
        The questions. As the last expression of a cell they are a card, one after the other; each answer is judged at
        once and kept. Where nothing is to be asked again, the card says why.

    Raises:
        PredictionError: there is no such unit, or it has no predictions.
    """
    return Review(catalogue.in_unit(unit))


class Review:
    """The questions that are asked again, one after the other; made by `ask_again()`."""

    def __init__(self, questions: Iterable[Question]) -> None:
        kept = store()
        asked = [question for question in questions if question.again is not None]
        wrong = [question for question in asked if _predicted(kept, question) == Verdict.WRONG.value]
        self._questions = [question.again for question in wrong if question.again and not _mended(kept, question)]
        self._why_none = _ALL_MENDED if wrong else _ALL_RIGHT
        if not any(_predicted(kept, question) for question in asked):
            self._why_none = _NO_OUTCOME
        self._place = 0
        self._judged: Judgement | None = None
        self._skipped = False
        self._right = 0
        self._asking = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """The predictions that are asked again: `04.unmasked`."""
        return tuple(question.key.removesuffix(f".{catalogue.AGAIN}") for question in self._questions)

    def answer(self, given: object) -> Review:
        """Answer the question at hand by code, for where there is no card.

        Raises:
            AnswerError: `given` is no answer to this question.
        """
        if self._done:
            self.next()
        if (question := self._question) is not None and not self._done:
            answer = read_answer(question, given)
            self._judged = judge_as_taught(question, answer)
            self._right += self._judged.verdict is Verdict.RIGHT
            kept = self._keep(answer)
            store().outcome(
                question.key,
                answer=kept,
                measured=self._judged.measured,
                option=self._judged.option,
                verdict=self._judged.verdict.value,
            )
        return self

    def skip(self) -> Review:
        """Leave the question at hand for another time."""
        if self._done:
            self.next()
        if not self._done:
            self._skipped = True
            self._keep(None)
        return self

    def next(self) -> Review:
        """Go on to the next question, if there is one."""
        if self._done and self._place + 1 < len(self._questions):
            self._place += 1
            self._judged, self._skipped, self._asking = None, False, ""
        return self

    @property
    def _question(self) -> Question | None:
        return self._questions[self._place] if self._questions else None

    @property
    def _done(self) -> bool:
        """Whether nothing is open in the question at hand."""
        return not self._questions or self._judged is not None or self._skipped

    def _ask(self, question: Question) -> str:
        if not self._asking:
            self._asking = store().ask(
                question.key,
                kind=question.kind,
                language=current_language(),
                question=str(question.question),
                options=options_of(question),
            )
        return self._asking

    def _keep(self, answer: str | None) -> str:
        question = self._questions[self._place]
        # Its outcome is known, so this answer does not count among the predictions.
        return store().answer(question.key, answer, asked=self._ask(question), late=True).id

    # What is shown

    @property
    def _lead(self) -> str:
        return _LEAD.format(number=self._place + 1, count=len(self._questions))

    @property
    def _closing(self) -> str:
        if not self._done or self._place + 1 < len(self._questions):
            return ""
        end = _END.format(right=self._right, count=len(self._questions))
        return end if self._right == len(self._questions) else f"{end} {_ONCE_MORE}"

    def __repr__(self) -> str:
        question = self._question
        if question is None:
            return str(self._why_none)
        lines = []
        if self._judged is not None:
            lines += [f"{self._lead}: {question.question}", cards.judged_again_text(self._judged), self._closing]
        else:
            call = f'ask_again("{question.key.partition(".")[0]}")'
            lines.append(cards.question_text(question, "", store().fault, lead=self._lead, call=call))
            lines.append(str(_SKIPPED) if self._skipped else "")
        return "\n".join(line for line in lines if line)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        question = self._question
        if question is None:
            return {"text/plain": repr(self), "text/html": cards.note_html(self._why_none)}
        self._ask(question)
        bundle: dict[str, Any] = {
            "text/plain": repr(self),
            "text/html": cards.question_html(question, "", store().fault, lead=self._lead),
        }
        if somebody_watches():
            from wslab.predictions.form import PredictionForm, widget_view

            bundle |= widget_view(PredictionForm(self._view(), self._received, on_next=self._went_on))
        return bundle

    def _received(self, form: PredictionForm, given: str | None) -> None:
        keep_and_show(form, self.skip if given is None else lambda: self.answer(given), self._view)

    def _went_on(self, form: PredictionForm) -> None:
        self.next()
        if (question := self._question) is not None:
            self._ask(question)
        form.view = self._view()

    def _view(self, *, confirmed: bool = False, error: str = "") -> dict[str, Any]:
        question = self._questions[self._place]
        judged = self._judged
        state = "answered" if judged is not None else "skipped" if self._skipped else "open"
        more = self._place + 1 < len(self._questions)
        return {
            **cards.asked_view(question, self._lead),
            "state": state,
            "answer": None,
            "keep_choice": True,
            "verdict": "" if judged is None else cards.judged_again_html(judged),
            "says": error or " ".join(filter(None, (str(_SKIPPED) if self._skipped else "", self._closing))),
            "is_error": bool(error),
            "confirmed": confirmed,
            "fault": str(store().fault or ""),
            "labels": {**labels(), "change": "", "answer_now": "", "next": str(_NEXT) if more else ""},
        }


def _predicted(kept: Store, question: Question) -> str:
    """What the run said of the prediction that counts: `"right"`, `"wrong"`, or "" where there is none."""
    return first_verdict(counted_answer(kept.answers(question.key)), kept.outcomes(question.key))


def _mended(kept: Store, question: Question) -> bool:
    assert question.again is not None
    return any(outcome.verdict == Verdict.RIGHT.value for outcome in kept.outcomes(question.again.key))
