"""predict(): asks before a cell runs, keeps the answer, and is answered by what the run measured."""

from __future__ import annotations

import contextlib
import inspect
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wslab.cells import ran_cells
from wslab.errors import LabError, NotInstalled
from wslab.jupyter import somebody_watches
from wslab.language import Text, current_language
from wslab.predictions import cards, catalogue
from wslab.predictions.as_shipped import changed_cells
from wslab.predictions.question import (
    AnswerError,
    Choice,
    Judgement,
    Question,
    Verdict,
    is_answer,
    judge,
    judge_as_taught,
    read_answer,
)
from wslab.progress.database import SESSION, Answer, counted_answer, store

if TYPE_CHECKING:
    from wslab.predictions.form import PredictionForm

_SURE = Text(en="I’m sure", tr="Eminim")
_SKIP = Text(en="Skip", tr="Atla")
_CHANGE = Text(en="Change my answer", tr="Yanıtımı değiştireyim")
_ANSWER_NOW = Text(en="Answer after all", tr="Yine de yanıtlayayım")
_ANSWER = Text(en="Your answer:", tr="Yanıtınız:")
_EMPTY = Text(
    en="Nothing is chosen yet. Answer, or skip this one.", tr="Henüz bir yanıt yok. Yanıtlayın ya da bu soruyu atlayın."
)
_SENDING = Text(en="Sending …", tr="Gönderiliyor …")
_SILENT = Text(
    en="The kernel has not confirmed it yet. If it is busy, wait; if it was restarted, run this cell again.",
    tr="Çekirdek henüz onaylamadı. Meşgulse bekleyin; yeniden başlatıldıysa bu hücreyi tekrar çalıştırın.",
)
_KEPT = Text(en="Kept. Now run the next cell.", tr="Kaydedildi. Şimdi sonraki hücreyi çalıştırın.")
_NOTED = Text(en="Noted. Now run the next cell.", tr="Not edildi. Şimdi sonraki hücreyi çalıştırın.")
_KEPT_LATE = Text(
    en="Kept. The outcome was already known, so this answer is not counted.",
    tr="Kaydedildi. Sonuç artık bilindiğinden bu yanıt sayılmaz.",
)
_SKIPPED = Text(en="Skipped.", tr="Atladınız.")
_SKIPPED_NOW = Text(en="Skipped. Now run the next cell.", tr="Atladınız. Şimdi sonraki hücreyi çalıştırın.")
_GIVEN_HERE = Text(
    en="The answer is not written here. Run `predict({key!r})`, choose on the card below the cell, and press “{sure}”.",
    tr="Yanıt buraya yazılmaz. `predict({key!r})` satırını çalıştırın, hücrenin altındaki kartta seçin ve “{sure}” "
    "düğmesine basın.",
)
_NEVER_AWAITED = Text(
    en="Nothing was measured: `{name}()` only made a coroutine. Write `await` in front of the call.",
    tr="Hiçbir şey ölçülmedi: `{name}()` yalnızca bir eşyordam oluşturdu. Çağrının önüne `await` yazın.",
)
_EARLIER = Text(en="You answered this on {when}.", tr="Bunu {when} tarihinde yanıtladınız.")

# Of this kernel, so of one session: the last asking of each key; the run that first gave its outcome, and the value.
_lock = threading.RLock()
_asked: dict[str, str] = {}
_outcome_shown: dict[str, tuple[int, str]] = {}
# What is chosen on a card whose button nobody has pressed yet, and the card.
_chosen: dict[str, tuple[str, PredictionForm]] = {}


class Outcome:
    """A measured value held against the prediction; as the last expression of a cell it is shown as a card.

    Attributes:
        key: the prediction's key.
        predicted: the answer it was held against; None if there was none.
        judgement: verdict, measured value and the sentence on the difference.
    """

    def __init__(self, key: str, predicted: str | None, judgement: Judgement, card: cards.OutcomeCard) -> None:
        self.key = key
        self.predicted = predicted
        self.judgement = judgement
        self._card = card

    @property
    def right(self) -> bool | None:
        """Whether the prediction was right; None if there was none, or if the measurement left it undecided."""
        return {Verdict.RIGHT: True, Verdict.WRONG: False}.get(self.judgement.verdict)

    def __repr__(self) -> str:
        return self._card.text()

    def _repr_html_(self) -> str:
        return self._card.html()


class Prediction:
    """A question to the learner; as the last expression of a cell it is shown as a card to answer on."""

    def __init__(self, question: Question) -> None:
        self._question = question

    @property
    def key(self) -> str:
        """The unit, a dot, and the name: `05.status`."""
        return self._question.key

    def answer(self, given: object) -> Prediction:
        """Answer by code, for where there is no card: `predict("05.status").answer("failed")`.

        Args:
            given: an option's id, a number or a word, as the question asks.

        Raises:
            AnswerError: `given` is no answer to this question.
        """
        self._keep(read_answer(self._question, given))
        return self

    def skip(self) -> Prediction:
        """Record that this one is skipped."""
        self._keep(None)
        return self

    def outcome(self, measured: object) -> Outcome:
        """Hold `measured`, the value that the run gave, against the prediction, and keep both.

        An exception counts as the name of its class. `NotInstalled` is no measurement: the card shows what the course
        measured, and nothing is kept.

        Raises:
            LabError: it is a coroutine that nobody has run.
        """
        if inspect.iscoroutine(measured):
            measured.close()  # else Python warns of it in whichever cell comes next
            raise LabError(_NEVER_AWAITED, name=measured.__name__)
        if isinstance(measured, NotInstalled):
            return self._as_taught(measured)
        with _lock:
            kept = store()
            self._keep_chosen()
            answers = kept.answers(self.key)
            given = answers[-1] if answers else None
            answer = self._usable(given)
            again = self._again(judge(self._question, measured, answer))

            def judged(one: Answer | None) -> Judgement:
                this = judge(self._question, measured, self._usable(one))
                return this if again is None else replace(this, verdict=Verdict.ODD, sentence=again.sentence)

            judgement = judged(given)
            # The first answer counts, so it is judged too where the learner has changed it since.
            first = counted_answer(answers)
            for one in (given,) if first is None or first is given else (first, given):
                this = judged(one)
                kept.outcome(
                    self.key,
                    answer=None if one is None else one.id,
                    measured=this.measured,
                    option=this.option,
                    verdict=this.verdict.value,
                )
            ran = ran_cells()
            _outcome_shown.setdefault(self.key, (ran[-1].count if ran else 0, str(judgement.happened)))
        if answer is not None:
            predicted = cards.answer_text(self._question, answer)
        else:
            predicted = str(cards.SKIPPED if given is not None and given.skipped else cards.NO_PREDICTION)
        late = given is not None and given.late and not given.skipped
        return Outcome(self.key, answer, judgement, cards.OutcomeCard(predicted, judgement, late, kept.fault, again))

    def _as_taught(self, missing: NotInstalled) -> Outcome:
        answer = self._usable(self._current())
        judgement = judge_as_taught(self._question, answer)
        predicted = str(cards.NO_PREDICTION) if answer is None else cards.answer_text(self._question, answer)
        return Outcome(
            self.key, answer, judgement, cards.OutcomeCard(predicted, judgement, False, Text.of(str(missing)))
        )

    def _again(self, judgement: Judgement) -> cards.Again | None:
        """What to say instead of a verdict, where the measurement is not of the course's own cells or not the first.

        A verdict holds for what was asked: for the unit's cells as they are. A changed cell may have been changed long
        before and somewhere else, so what was expected is still judged if nothing was changed since it was first seen.
        """
        first = _outcome_shown.get(self.key)
        changed = changed_cells(self.key.partition(".")[0])
        ran = ran_cells()
        since = [cell for cell in changed if cell is ran[-1] or (first is not None and cell.count > first[0])]
        relevant = since or ([] if judgement.expected else list(changed))
        if relevant:
            return cards.Again(True, tuple(cell.label for cell in relevant), first[1] if first else "")
        if first is not None and not judgement.expected:
            return cards.Again(False, (), first[1])
        return None

    def __repr__(self) -> str:
        return cards.question_text(self._question, self._answered(), store().fault)

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        self._ask()
        bundle: dict[str, Any] = {
            "text/plain": repr(self),
            "text/html": cards.question_html(self._question, self._answered(), store().fault),
        }
        if somebody_watches():
            from wslab.predictions.form import PredictionForm, widget_view

            bundle |= widget_view(PredictionForm(self._view(), self._received, on_choice=self._choose))
        return bundle

    def _ask(self) -> str:
        asked = store().ask(
            self.key,
            kind=self._question.kind,
            language=current_language(),
            question=str(self._question.question),
            options=options_of(self._question),
        )
        with _lock:
            _asked[self.key] = asked
        return asked

    def _keep(self, answer: str | None) -> Answer:
        with _lock:
            _chosen.pop(self.key, None)
            asked = _asked.get(self.key) or self._ask()
            return store().answer(self.key, answer, asked=asked, late=self.key in _outcome_shown)

    def _current(self) -> Answer | None:
        """The learner's last answer; an earlier session's counts on, so a restart loses nothing."""
        given = store().answers(self.key)
        return given[-1] if given else None

    def _usable(self, given: Answer | None) -> str | None:
        """The answer, if it is one to this question as it stands today: a course changes, a learner's file stays."""
        if given is None or given.answer is None or not is_answer(self._question, given.answer):
            return None
        return given.answer

    def _answered(self) -> str:
        given = self._current()
        if given is not None and given.skipped:
            return str(cards.SKIPPED)
        answer = self._usable(given)
        return "" if answer is None else cards.answer_text(self._question, answer)

    # The card

    def _received(self, form: PredictionForm, given: str | None) -> None:
        keep_and_show(form, self.skip if given is None else lambda: self.answer(given), self._view)

    def _choose(self, form: PredictionForm, given: str) -> None:
        with _lock:
            _chosen[self.key] = given, form

    def _keep_chosen(self) -> None:
        """Take what is chosen on the card for the answer, where the run came before the button."""
        given, form = _chosen.pop(self.key, ("", None))
        with contextlib.suppress(AnswerError):
            if form is not None and given.strip():
                self.answer(given)
                form.view = self._view()

    def _view(self, *, confirmed: bool = False, error: str = "") -> dict[str, Any]:
        """What the card shows; see form.js."""
        question = self._question
        given = self._current()
        answer = self._usable(given)
        state = "answered" if answer is not None else "skipped" if given is not None and given.skipped else "open"
        return {
            **cards.asked_view(question, str(cards.LEAD)),
            "state": state,
            "answer": answer,
            "says": error or ("" if given is None or state == "open" else _told(given, confirmed)),
            "is_error": bool(error),
            "confirmed": confirmed,
            "fault": str(store().fault or ""),
            "labels": labels(),
        }


def labels() -> dict[str, str]:
    """What the buttons of a card say, and the card by itself."""
    return {
        "sure": str(_SURE),
        "skip": str(_SKIP),
        "change": str(_CHANGE),
        "answer_now": str(_ANSWER_NOW),
        "answer": str(_ANSWER),
        "empty": str(_EMPTY),
        "sending": str(_SENDING),
        "silent": str(_SILENT),
    }


def keep_and_show(form: PredictionForm, keep: Callable[[], object], view: Callable[..., dict[str, Any]]) -> None:
    """Keep what a learner gave on a card, and show what became of it.

    Args:
        form: the card.
        keep: keeps it; raises `AnswerError` where it is no answer.
        view: what the card then shows, with `error=` or `confirmed=True`.
    """
    try:
        keep()
    except AnswerError as error:
        form.view = view(error=str(error))
    else:
        form.view = view(confirmed=True)


def options_of(question: Question) -> list[str]:
    """The options as the learner reads them; none where the answer is free."""
    return [str(option.text) for option in question.options] if isinstance(question, Choice) else []


def _told(given: Answer, confirmed: bool) -> str:
    if given.skipped:
        return str(_SKIPPED_NOW if confirmed and not given.late else _SKIPPED)
    if given.session != SESSION or not confirmed:
        return _EARLIER.format(when=cards.local_time(given.answered_at))
    if given.late:
        return str(_KEPT_LATE)
    return str(_KEPT if store().fault is None else _NOTED)


def predict(key: str, *given: object) -> Prediction:
    """Ask the learner to predict what the next cell will show; returns at once, answered or not.

    Args:
        key: the unit, a dot and the name of a prediction: `05.status`.
        given: nothing; who writes an answer here is told where it is given.

    Returns:
        The question. As the last expression of a cell it is a card to answer on; in the cell that runs,
        `predict("05.status").outcome(measured)` shows prediction and outcome.

    Raises:
        PredictionError: there is no such prediction.
        AnswerError: an answer was written in the call.
    """
    if given:
        raise AnswerError(_GIVEN_HERE, key=key, sure=_SURE)
    return Prediction(catalogue.find(key))
