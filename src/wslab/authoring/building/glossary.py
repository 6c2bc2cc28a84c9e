"""The course's list of terms, and prose that departs from it."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wslab import yaml
from wslab.authoring.building.problems import Note
from wslab.language import LANGUAGES

PATH = "course/glossary.yml"

# The four letters i are one letter here: which of them a capital stands for depends on the word's language.
_ONE_I = str.maketrans({"İ": "i", "I": "i", "ı": "i"})
_QUIET = "\0"
# What no reader takes for the author's own choice of words: code, addresses, comments, and what is quoted.
NOT_PROSE = re.compile(
    r"""
    ^[ \t]*(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ \t]*(?P=fence)[^\n]*$|\Z)
    | (?P<ticks>`+)(?:(?!`).)+?(?P=ticks)(?!`)
    | <!--.*?-->
    | <[a-zA-Z/][^<>\n]*>
    | (?<=\])\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)
    | \bhttps?://[^\s<>)]+
    | “[^”]*”
    | «[^»]*»
    | "(?:[^"\n]|\n(?![ \t]*\n))*"
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
_EMPHASIS = re.compile(r"\*+|(?<!\w)_+|_+(?!\w)")
_BRACKET = re.compile(r"\(\s*(?P<inside>[^()\0]{2,80}?)\s*\)")
_WORD = re.compile(r"[\w’'-]+")
_ITEM = re.compile(r"^[> ]*(\d{1,9}[.)])(?= )", re.MULTILINE)
_PARAGRAPH = re.compile(r"(?:[^\n]|\n(?!\s*\n))+")


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """One entry of the glossary.

    Attributes:
        words: the term in every language that has one.
        avoid: by language, words that stand for the same thing and that the course does not use; `=word` is that word
            without an ending.
        allow: by language, phrases in which such a word may stand all the same.
        beside: by language, words of which one stands in each paragraph that has the term, where the term alone could
            be two things.
        examples: by language, sentences that this entry finds fault with, and sentences that it does not.
        definition: by language, what the learner's glossary says of it; empty where it is not on that page.
        link: whether its first use in a unit is linked to its definition.
    """

    words: Mapping[str, str]
    avoid: Mapping[str, tuple[str, ...]]
    definition: Mapping[str, str] = field(default_factory=dict)
    link: bool = True
    allow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    examples: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=dict)

    def word(self, language: str) -> str:
        """The term in `language`, or the English one where it has no word of its own."""
        return self.words.get(language, self.words[LANGUAGES[0]])

    def introduced(self, language: str) -> str:
        """How a text meets the term for the first time: `eşyordam (coroutine)`."""
        english, word = self.words[LANGUAGES[0]], self.word(language)
        return word if word == english else f"{word} ({english})"


def read_glossary(path: Path, note: Note) -> tuple[Term, ...]:
    """The terms in `path`; none where there is no such file.

    Args:
        path: `course/glossary.yml`.
        note: is told every entry that cannot be read.
    """
    if not path.is_file():
        return ()
    terms, mistakes = _parsed(path.read_text("utf-8-sig"))
    for line, message in mistakes:
        note(line, message)
    return terms


@functools.lru_cache(maxsize=8)
def _parsed(text: str) -> tuple[tuple[Term, ...], tuple[tuple[int, str], ...]]:
    try:
        root = yaml.compose(text)
    except yaml.Wrong as wrong:
        return (), ((wrong.line, f"the glossary: {wrong}"),)
    if not isinstance(root, yaml.SequenceNode):
        return (), ((1, "the glossary is a list of terms: - {en: coroutine, tr: eşyordam}"),)
    terms: list[Term] = []
    mistakes: list[tuple[int, str]] = []
    for node in root.value:
        try:
            terms.append(_term(node))
        except yaml.Wrong as wrong:
            mistakes.append((wrong.line, str(wrong)))
    return tuple(terms), tuple(mistakes)


def _term(node: yaml.Node) -> Term:
    fields = yaml.Fields(node, "an entry")
    fields.need(LANGUAGES[0])
    words = {language: _word(held, language) for language in LANGUAGES if (held := fields.get(language)) is not None}
    avoid, allow, beside = (_words_by_language(fields.get(name), name) for name in ("avoid", "allow", "beside"))
    examples = {}
    if (held := fields.get("examples")) is not None:
        for key, language, pair in yaml.entries(held, '"examples"'):
            _known(key, language)
            both = yaml.Fields(pair, "examples")
            examples[language] = (
                tuple(_word(one, "wrong") for one in yaml.items(both.need("wrong"), "wrong")),
                tuple(_word(one, "right") for one in yaml.items(both.need("right"), "right")),
            )
            both.finish()
    definition = {}
    if (held := fields.get("definition")) is not None:
        text = yaml.text(held, "definition")
        definition = {language: text.into(language) for language in LANGUAGES}
    link = True
    if (held := fields.get("link")) is not None:
        link = yaml.value(held)
        if not isinstance(link, bool):
            raise yaml.Wrong(held, '"link" is true or false')
    fields.get("note")  # for the authors alone
    fields.finish()
    return Term(words, avoid, definition, link, allow, beside, examples)


def _words_by_language(held: yaml.Node | None, what: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    if held is not None:
        for key, language, words in yaml.entries(held, f'"{what}"'):
            _known(key, language)
            found[language] = tuple(_word(word, language) for word in yaml.items(words, language))
    return found


def _known(key: yaml.Node, language: str) -> None:
    if language not in LANGUAGES:
        raise yaml.Wrong(key, f'there is no language "{language}"{yaml.suggest(language, LANGUAGES)}')


def _word(node: yaml.Node, what: str) -> str:
    """A word or phrase; YAML's `no`, `yes` and numbers are words only in quotes, as in every other YAML tool."""
    word = yaml.value(node)
    if not isinstance(word, str) or not word.strip():
        raise yaml.Wrong(node, f'"{what}" is a word or phrase, not {yaml.kind(node)} (put it in quotes)')
    return word


def departures(markdown: str, language: str, terms: Iterable[Term]) -> list[tuple[int, str]]:
    """Where a text departs from the glossary.

    A discouraged word counts with any ending (`korutinler`), in a phrase too (`paralel işlemlerin`). An English
    term in brackets must stand behind the glossary's own word. Code, addresses and quoted words do not count.

    Args:
        markdown: the prose.
        language: the language it is written in.
        terms: the glossary.

    Returns:
        The line within the text, from 0, and what to write instead, in the order of the text.
    """
    terms = tuple(terms)
    text = _prose(markdown)
    found: list[tuple[int, str]] = []
    if language != LANGUAGES[0]:
        text, found = _introductions(text, language, terms)
    # Where two variants begin at one place ("event", "event loop"), the longer one is what was meant.
    longest: dict[int, tuple[int, str]] = {}
    for term in terms:
        word = term.words.get(language)
        instead = f'write "{word}"' if word else "say it otherwise"
        searched = text
        for phrase in term.allow.get(language, ()):
            searched = _pattern(phrase).sub(silence, searched)
        for variant in term.avoid.get(language, ()):
            for match in _pattern(variant).finditer(searched):
                said = " ".join(match[0].split())
                message = f'"{said}": for {term.words[LANGUAGES[0]]} {instead}'
                if len(variant) > longest.get(match.start(), (0, ""))[0]:
                    longest[match.start()] = len(variant), message
    found += [(at, message) for at, (_, message) in longest.items()]
    for term in terms:
        if needed := term.beside.get(language):
            found += _alone(text, term.word(language), needed)
    return [(text.count("\n", 0, at), f"{message} ({PATH})") for at, message in sorted(found)]


def _alone(text: str, word: str, needed: tuple[str, ...]) -> Iterator[tuple[int, str]]:
    """The first place of `word` in each paragraph that has none of the words of which it needs one."""
    for paragraph in _PARAGRAPH.finditer(text):
        place = _pattern(f"={word}").search(paragraph[0])
        if place and not any(_pattern(one).search(paragraph[0]) for one in needed):
            beside = " or ".join(one.removeprefix("=") for one in needed)
            yield paragraph.start() + place.start(), f'"{word}" alone is two things: say {beside} beside it'


def lone_items(markdown: str) -> list[tuple[int, str]]:
    """Paragraphs that begin with a number and a full stop, which Markdown shows as a list of one item.

    Returns:
        The line within the text, from 0, and what to do instead, in the order of the text.
    """
    quiet = NOT_PROSE.sub(silence, markdown)
    found = []
    for paragraph in _PARAGRAPH.finditer(quiet):
        text = paragraph[0].lstrip("\n")
        items = _ITEM.findall(text)
        if len(items) == 1 and _ITEM.match(text):
            line = quiet.count("\n", 0, paragraph.end() - len(text))
            found.append((line, f'a paragraph that begins with "{items[0]}" is shown as a list: begin otherwise'))
    return found


def semicolons(markdown: str) -> int:
    """How many semicolons the prose of a text has."""
    return _prose(markdown).count(";")


def _prose(markdown: str) -> str:
    """The text in small letters with one `i`, every stretch that is not prose made unreadable; lines stay lines."""
    quiet = NOT_PROSE.sub(silence, markdown)
    return fold(_EMPHASIS.sub("", quiet))


def silence(match: re.Match[str]) -> str:
    """As many unreadable characters as `match` has; its line ends stay."""
    return re.sub(r"[^\n]", _QUIET, match[0])


def fold(word: str) -> str:
    """`word` in small letters, with one letter i; as long as before."""
    return word.translate(_ONE_I).lower()


@functools.lru_cache(maxsize=1024)
def _pattern(variant: str) -> re.Pattern[str]:
    ending = r"\w*"
    if variant.startswith("="):
        variant, ending = variant[1:], r"(?!\w)"
    words = r"\s+".join(re.escape(word) for word in fold(variant).split())
    before = r"(?<![\w.])" if words[:1].isalnum() else ""
    return re.compile(rf"{before}{words}{ending}(?!\.\w)")


def _introductions(text: str, language: str, terms: tuple[Term, ...]) -> tuple[str, list[tuple[int, str]]]:
    """`text` with its bracketed English terms made unreadable, and where they stand behind a wrong word."""
    by_english: dict[str, list[str]] = {}
    for term in terms:
        if language in term.words:
            by_english.setdefault(fold(term.words[LANGUAGES[0]]), []).append(term.words[language])
    found: list[tuple[int, str]] = []

    def judge(match: re.Match[str]) -> str:
        english = " ".join(match["inside"].split())
        if english not in by_english:
            english = english.removesuffix("s")
        if english not in by_english:
            return match[0]
        if not any(_stands_before(word, text[: match.start()]) for word in by_english[english]):
            wanted = " or ".join(f'"{word} ({english})"' for word in by_english[english])
            found.append((match.start(), f'"({english})" stands behind another word; write {wanted}'))
        return silence(match)

    return _BRACKET.sub(judge, text), found


def _stands_before(word: str, before: str) -> bool:
    """Whether `before` ends with `word`, whatever its endings: `olay döngülerini` ends with `olay döngüsü`."""
    wanted = fold(word).split()
    there = _WORD.findall(before[-len(word) - 60 :])[-len(wanted) :]
    stems = [*(stem(part) for part in wanted[:-1]), stem(wanted[-1], compound=len(wanted) > 1)]
    return len(there) == len(wanted) and all(map(str.startswith, there, stems))


def stem(word: str, *, compound: bool = False) -> str:
    """What stays of a Turkish word under every ending; other languages lose a letter or two, which does no harm."""
    if compound and word[-1] in "aeioöuü":
        # A compound's own ending makes room for the plural's: döngüsü, döngüleri; iş parçacığı, iş parçacıkları.
        word = word[:-1].removesuffix("s")
        return word[:-1] if word[-1] in "ğcbd" else word
    return word[:-1] if word[-1] in "kçtp" else word  # softens before a vowel: istek, isteği
