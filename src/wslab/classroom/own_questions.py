"""Questions that an instructor asks in class and that are no prediction of the course. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from wslab.errors import LabError
from wslab.language import LANGUAGES, Text
from wslab.predictions.question import AnswerError, Choice, Number, Option, Question, Word, as_number, read_answer

Wording: TypeAlias = str | Text | Mapping[str, str]
"""A text in one language for everybody, or in several: `{"en": "Which one?", "tr": "Hangisi?"}`."""

_MOST_OPTIONS = 6
_LONGEST_OPTION = 200  # characters; also what a page may send as an answer

_NO_WORDING = Text(
    en='A question is a text, or one in each language: {{"en": "…", "tr": "…"}}; it got {what}.',
    tr='Soru ya tek bir metindir ya da her dilde bir metin: {{"en": "…", "tr": "…"}}; verilen: {what}.',
)
_OPTIONS = Text(
    en="A question has two to six different options of at most {longest} characters, or none; it got {count}.",
    tr="Bir sorunun en çok {longest} karakterlik, birbirinden farklı iki ile altı seçeneği olur ya da hiç olmaz; "
    "verilen: {count}.",
)
_SETTLED = Text(en="The answer is `{measured}`.", tr="Yanıt: `{measured}`.")
_NOTHING = Text(en="", tr="")


class OwnQuestionError(LabError):
    """A question of the instructor's cannot be asked or settled like this; the message says why."""


def _wording(given: object) -> Text:
    if isinstance(given, str):
        given = Text.of(given)
    elif isinstance(given, Mapping) and given and all(isinstance(part, str) for part in given.values()):
        # A text in one language alone serves in all of them.
        fallback = given.get(LANGUAGES[0]) or next(iter(given.values()))
        given = Text.of({language: given.get(language) or fallback for language in LANGUAGES})
    if not isinstance(given, Text) or not str(given).strip():
        raise OwnQuestionError(_NO_WORDING, what=f"{given!r:.80}")
    return given


def own_question(key: str, asked: Wording, options: Sequence[Wording], right: object) -> Question:
    """A question with `options` to choose from; without them its answer is a number if `right` is one, else a word.

    Args:
        key: its key among the votes.
        asked: the question.
        options: the answers to choose from, two to six; the first language's wording is the option's id.
        right: the right answer (of an option its wording); None if there is none, or none yet.

    Raises:
        OwnQuestionError: the question or its options are unfit, or `right` is none of them.
    """
    question = _wording(asked)
    if isinstance(options, str):
        options = [options]
    texts = [_wording(option) for option in options]
    ids = [text.into(LANGUAGES[0]).strip() for text in texts]
    unfit = len(ids) == 1 or len(ids) > _MOST_OPTIONS or len(set(ids)) < len(ids)
    if unfit or any(len(id) > _LONGEST_OPTION for id in ids):
        raise OwnQuestionError(_OPTIONS, count=len(ids), longest=_LONGEST_OPTION)
    made: Question
    if ids:
        made = Choice(
            key, question, tuple(Option(id, text, _NOTHING, values=(id,)) for id, text in zip(ids, texts, strict=True))
        )
    elif as_number(right) is not None:
        made = Number(key, question, _SETTLED, _SETTLED)
    else:
        made = Word(key, question, _SETTLED, _SETTLED)
    return made if right is None else settled(made, right)


def settled(question: Question, right: object) -> Question:
    """The question with its right answer.

    Raises:
        OwnQuestionError: `right` is no answer to it.
    """
    if isinstance(question, Choice):
        wording = right.into(LANGUAGES[0]) if isinstance(right, Text) else right
        for option in question.options:
            if wording in {option.text.into(language) for language in LANGUAGES}:
                wording = option.id
        right = wording
    try:
        answer = read_answer(question, right)
    except AnswerError as error:
        raise OwnQuestionError(str(error)) from None
    if isinstance(question, Choice):
        options = tuple(dataclasses.replace(option, right=option.id == answer) for option in question.options)
        return dataclasses.replace(question, options=options)
    if isinstance(question, Number):
        return dataclasses.replace(question, expected=float(answer))
    return dataclasses.replace(question, expected=answer)
