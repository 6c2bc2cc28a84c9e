"""A vote of a class on a question: one vote a person, which may change until the vote is closed."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from wslab.classroom.glosses import gloss
from wslab.classroom.own_questions import settled
from wslab.classroom.tally import Measured, Tally, bars_of, expected, is_right
from wslab.errors import LabError
from wslab.gate import Visitor
from wslab.language import Text
from wslab.predictions.question import AnswerError, Number, Question, Verdict, judge, read_answer

_KEPT = Text(
    en="Kept. You may change it until the vote is closed.", tr="Kaydedildi. Oylama kapanana kadar değiştirebilirsiniz."
)
_CLOSED = Text(en="The vote is closed.", tr="Oylama kapandı.")
_YOU_WERE_RIGHT = Text(en="✓ As you predicted.", tr="✓ Tahmin ettiğiniz gibi.")
_YOU_WERE_WRONG = Text(en="≠ Not what you predicted.", tr="≠ Tahmininizden farklı.")
_WHAT_HAPPENED = Text(en="What happens: {happened}.", tr="Gerçekleşen: {happened}.")
_NUMBER = Text(en="Write a number in digits, such as 11 or 0.5.", tr="Rakamla bir sayı yazın; örneğin 11 ya da 0,5.")
_ANSWER = Text(en="Write or choose an answer.", tr="Bir yanıt yazın ya da seçin.")

_ONE_MEASUREMENT = Text(
    en="reveal() takes one measured value: vote.reveal(measured).",
    tr="reveal() ölçülen tek bir değer alır: vote.reveal(measured).",
)
_YOUR_RUN = Text(
    en="What “{key}” comes to depends on the machine, so nothing is expected: run it and write vote.reveal(measured).",
    tr="“{key}” sonucu makineye bağlı, beklenen bir değer yok: çalıştırıp vote.reveal(measured) yazın.",
)

_NO_ANSWER = Text(
    en="This question was asked without a right answer; write vote.reveal(answer).",
    tr="Bu soru doğru yanıtı verilmeden soruldu; vote.reveal(yanıt) yazın.",
)


class VoteError(LabError):
    """What was asked of a vote cannot be done; the message says why and what to do."""


class Vote:
    """A question that a class is asked, made by `room.vote(key)` or `room.ask(…)`; at the end of a cell, its state.

    Attributes:
        key: the prediction's key, `07.order`; of an instructor's own question `own.1`.
        question: the prediction, or the instructor's own question.
        own: whether it is the instructor's own.
    """

    def __init__(
        self,
        question: Question,
        people: Callable[[], list[Visitor]],
        changed: Callable[[], None],
        own: bool = False,
    ) -> None:
        """
        Args:
            question: what is asked.
            people: who has joined at the moment; only their votes count.
            changed: called after each change of the vote.
            own: whether it is the instructor's own, so that there is no measurement, only an answer.
        """
        self.key = question.key
        self.question = question
        self.own = own
        self._people = people
        self._changed = changed
        self._id = secrets.token_hex(4)
        self._asked = datetime.now(UTC).astimezone()
        self._answers: dict[Visitor, str] = {}
        self._complaints: dict[Visitor, Text] = {}
        self._measured: Measured | None = None
        self._final: dict[str, str] | None = None
        self._joined = 0
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        """Whether people may still vote."""
        return self._final is None

    def cast(self, visitor: Visitor, vote_id: object, given: object) -> None:
        """Take what a visitor's page sent; it replaces their earlier vote. Whatever does not fit is not counted."""
        with self._lock:
            if not self.open or vote_id != self._id or not isinstance(given, str):
                return
            try:
                self._answers[visitor] = read_answer(self.question, given[:200])
                self._complaints.pop(visitor, None)
            except (AnswerError, ValueError):
                self._complaints[visitor] = _NUMBER if isinstance(self.question, Number) else _ANSWER
        self._changed()

    def _by_nickname(self) -> dict[str, str]:
        # Whoever was kicked, or lost their place to somebody else, has no vote: otherwise one could vote, leave and
        # vote again.
        present = self._people()
        return {visitor.nickname: self._answers[visitor] for visitor in present if visitor in self._answers}

    def close(self) -> Tally:
        """End the vote and give the split; closing a closed vote gives the same again."""
        with self._lock:
            if self._final is None:
                self._final = self._by_nickname()
                self._joined = len(self._people())
        self._changed()
        return self.split()

    def reveal(self, *measured: object) -> Tally:
        """Close the vote and show, here and on every page, which answer is right.

        Args:
            measured: what your run gave, as for `predict(…).outcome(measured)`; of your own question the right answer.
                Left out, what the course expects, or the answer with which the question was asked.

        Raises:
            VoteError: no answer is known and none was given, or more than one was.
            OwnQuestionError: what was given is no answer to your own question.
        """
        if len(measured) > 1:
            raise VoteError(_ONE_MEASUREMENT)
        if self.own and measured:
            self.question = settled(self.question, measured[0])
            measured = ()
        outcome = Measured(measured[0]) if measured else expected(self.question)
        if outcome is None:
            raise VoteError(_NO_ANSWER if self.own else _YOUR_RUN, key=self.key)
        self.close()
        with self._lock:
            self._measured = outcome
        self._changed()
        return self.split()

    def split(self) -> Tally:
        """How the votes split at this moment; which answer is right is in it once it has been revealed."""
        with self._lock:
            answers = self._by_nickname() if self._final is None else self._final
            people = len(self._people()) if self._final is None else self._joined
            return Tally(
                key=self.key,
                question=str(self.question.question),
                asked=self._asked,
                open=self._final is None,
                people=people,
                answers=dict(answers),
                bars=bars_of(self.question, answers, self._measured),
            )

    def shown_to(self, visitor: Visitor) -> dict[str, Any]:
        """What this visitor's page shows of the vote, in the visitor's language."""
        language = visitor.language
        with self._lock:
            yours = self._answers.get(visitor)
            complaint = self._complaints.get(visitor)
            measured = self._measured
        question = self.question
        says, teaches, right = "", "", None
        if measured is not None:
            judgement = judge(question, measured.value, yours)
            right = judgement.option
            happened = _WHAT_HAPPENED.into(language).format(happened=judgement.happened.into(language))
            if yours is None:
                says = happened
            else:
                fits = is_right(question, yours, measured)
                verdict = (_YOU_WERE_RIGHT if fits else _YOU_WERE_WRONG).into(language)
                says = verdict if right else f"{verdict} {happened}"
                if fits == (judgement.verdict is Verdict.RIGHT):
                    teaches = judgement.sentence.into(language)
        elif not self.open:
            says = _CLOSED.into(language)
        elif complaint is not None:
            says = complaint.into(language)
        elif yours is not None:
            says = _KEPT.into(language)
        unit = getattr(question, "unit", None)
        asked = question.question.into(language)
        options = [(option.id, option.text.into(language)) for option in getattr(question, "options", ())]
        return {
            "id": self._id,
            "kind": question.kind,
            "question": asked,
            "gloss": gloss([asked, *(text for _, text in options)], language),
            "options": [{"id": id, "text": text} for id, text in options],
            "unit": unit.into(language) if unit is not None else "",
            "open": self.open,
            "yours": yours,
            "right": right,
            "says": says,
            "teaches": teaches,
        }

    def __repr__(self) -> str:
        tally = self.split()
        return f"<Vote {self.key} · {tally.state()}>" if self.open else repr(tally)
