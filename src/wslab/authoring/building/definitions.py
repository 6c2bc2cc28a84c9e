"""The learner's glossary: a page in each language, and links from each unit's first use of a term to it."""

from __future__ import annotations

import functools
import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence

from wslab.authoring.building.glossary import NOT_PROSE, Term, fold, silence, stem
from wslab.language import LANGUAGES, Text

_TITLE = Text(en="Glossary", tr="Sözlük")
_INTRODUCTION = Text(
    en="The words of the course that a beginner may not know, each in a sentence or two. A notebook links a word to "
    "this page where it first uses it.",
    tr="Kursta geçen ve yeni başlayanların bilmeyebileceği terimler, birer ikişer cümleyle. Not defterleri, bir terimi "
    "ilk kullandıkları yerden bu sayfaya bağlantı verir.",
)
_GENERATED = "<!-- Written by `wslab build` from course/glossary.yml. -->"
_ALPHABET = {"tr": "abcçdefgğhıijklmnoöpqrsştuüvwxyz"}
# Where no link belongs: headings, and what is a link or an image already.
_NO_PLACE = re.compile(r"^#+ [^\n]*$|!?\[(?:[^\[\]`]|`[^`\n]*`)*\]\([^()\s]*\)", re.MULTILINE)
_LINK = re.compile(r"\[([^\[\]]*)\]\([./]*docs/glossary\.\w+\.md#[^()\s]*\)")


def path(language: str) -> str:
    """Where a language's page stands, from the root of the checkout."""
    return f"docs/glossary.{language}.md"


def page(terms: Iterable[Term], language: str) -> str | None:
    """The glossary as Markdown, in the order of the language's alphabet; None where no term has a definition."""
    defined = sorted((term for term in terms if term.definition), key=lambda term: _order(term, language))
    if not defined:
        return None
    parts = [f"# {_TITLE.into(language)}", _GENERATED, _INTRODUCTION.into(language)]
    for term in defined:
        word, english = term.word(language), term.word(LANGUAGES[0])
        said = term.definition[language]
        parts += [f"### {word}", said if word == english else f"*{english}* · {said}"]
    return "\n\n".join(parts) + "\n"


def _order(term: Term, language: str) -> list[tuple[int, str]]:
    alphabet = _ALPHABET.get(language, "")
    small = term.word(language).translate({ord("I"): "ı", ord("İ"): "i"} if language == "tr" else {}).lower()
    return [(alphabet.find(letter), letter) for letter in small]


class Links:
    """Links the first use of each defined term in one edition of one unit; it remembers which it has linked.

    Args:
        terms: the glossary.
        language: the edition.
        here: the notebook's path from the root of the checkout.
    """

    def __init__(self, terms: Sequence[Term], language: str, here: str) -> None:
        self._target = posixpath.relpath(path(language), posixpath.dirname(here))
        # The longest first: "closing handshake" is not a use of "handshake".
        self._left: Mapping[str, re.Pattern[str]] = {
            word: _use(word, language)
            for word in sorted(
                (term.word(language) for term in terms if term.definition and term.link), key=len, reverse=True
            )
        }

    def into(self, markdown: str) -> str:
        """`markdown` with a link on each term that no text before it has used."""
        text = fold(NOT_PROSE.sub(silence, _NO_PLACE.sub(silence, markdown)))
        found: list[tuple[int, int, str]] = []
        for word, use in self._left.items():
            if (match := use.search(text)) is not None:
                found.append((match.start(), match.end(), word))
                text = f"{text[: match.start()]}{silence(match)}{text[match.end() :]}"
        self._left = {word: use for word, use in self._left.items() if word not in {word for *_, word in found}}
        for start, end, word in sorted(found, reverse=True):
            link = f"[{markdown[start:end]}]({self._target}#{word.lower().replace(' ', '-')})"
            markdown = markdown[:start] + link + markdown[end:]
        return markdown


def unlinked(markdown: str) -> str:
    """`markdown` without its links to the glossary, as a source writes it."""
    return _LINK.sub(r"\1", markdown)


@functools.lru_cache(maxsize=256)
def _use(word: str, language: str) -> re.Pattern[str]:
    """A term in prose, with the endings that its language gives it: `event loops`, `olay döngüsünün`, `uvicorn'un`."""
    *before, last = (re.escape(fold(part)) for part in word.split())
    if language == "en":
        ending = r"(?:e?s)?"
    elif word != word.lower() or len(last) < 5:
        ending = r"(?:['’]\w+)?"
    else:
        last, ending = re.escape(stem(fold(last), compound=bool(before))), r"\w*(?:['’]\w+)?"
    phrase = r"\s+".join([*before, last])
    return re.compile(rf"(?<![\w.\-\[]){phrase}{ending}(?![\w\-\]])(?!\.\w)")
