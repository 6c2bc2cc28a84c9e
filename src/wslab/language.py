"""The reader's language: which edition is in use, and texts that exist in every edition."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType

LANGUAGES: tuple[str, ...] = ("en", "tr")
"""Every edition of the course, the first one being what a missing translation falls back to."""

_chosen: str | None = None


def use_language(language: str | None) -> None:
    """Make `language` the one that every text of the kit appears in; None goes back to the environment's.

    Raises:
        ValueError: `language` is not one of `LANGUAGES`.
    """
    global _chosen
    if language is not None and language not in LANGUAGES:
        known = ", ".join(repr(code) for code in LANGUAGES)
        raise ValueError(f"{language!r} is not an edition of this course; write one of {known}.")
    _chosen = language


def current_language() -> str:
    """The language in use: what was chosen, else `WSLAB_LANG`, else the locale or that of Windows, else English."""
    if _chosen is not None:
        return _chosen
    said = (os.environ.get(variable, "") for variable in ("WSLAB_LANG", "LC_ALL", "LC_MESSAGES", "LANG"))
    for code in (*said, _of_windows()):
        if code[:2].lower() in LANGUAGES:
            return code[:2].lower()
    return LANGUAGES[0]


@functools.cache
def _of_windows() -> str:
    """The language in which Windows speaks to its user, such as `tr_TR`; "" elsewhere. Windows sets no variable for it.

    Source: GetUserDefaultUILanguage of the Win32 API, whose numbers are those of `locale.windows_locale`.
    """
    if sys.platform == "win32":
        import ctypes
        import locale

        return locale.windows_locale.get(ctypes.windll.kernel32.GetUserDefaultUILanguage(), "")
    return ""


class Text:
    """One sentence in every language; `str()` of it gives the one that is being read.

    >>> greeting = Text(en="{count} clients", tr="{count} istemci")
    >>> greeting.format(count=3)
    '3 clients'
    """

    __slots__ = ("_by_language",)

    def __init__(self, **by_language: str) -> None:
        if LANGUAGES[0] not in by_language:
            raise ValueError(f"a text needs at least its {LANGUAGES[0]!r} wording")
        self._by_language = MappingProxyType(dict(by_language))

    @classmethod
    def of(cls, value: Text | str | Mapping[str, str]) -> Text:
        """A text from data.

        Args:
            value: a mapping of languages, or one string that serves in all of them (`bob`, `1006`).
        """
        if isinstance(value, Text):
            return value
        if isinstance(value, str):
            return cls(**dict.fromkeys(LANGUAGES, value))
        return cls(**value)

    @property
    def languages(self) -> frozenset[str]:
        """The languages that this text was written in."""
        return frozenset(self._by_language)

    def into(self, language: str) -> str:
        """The wording in `language`, or the first language's where nobody has translated it yet."""
        return self._by_language.get(language, self._by_language[LANGUAGES[0]])

    def format(self, **values: object) -> str:
        """The wording in the current language.

        Args:
            values: what stands in the place of each `{name}`; floats get the language's decimal mark.
        """
        language = current_language()
        return self.into(language).format(**_written(values, language))

    def spoken(self) -> dict[str, str]:
        """The wording in every language of the course, as what JSON can hold; `Text.of()` takes it back."""
        return {language: self.into(language) for language in LANGUAGES}

    def __reduce__(self) -> tuple[Callable[[Mapping[str, str]], Text], tuple[dict[str, str]]]:
        return type(self).of, (dict(self._by_language),)

    def __str__(self) -> str:
        return self.into(current_language())

    def __repr__(self) -> str:
        return f"Text({', '.join(f'{code}={text!r}' for code, text in self._by_language.items())})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self._by_language == other._by_language

    def __hash__(self) -> int:
        return hash(tuple(self._by_language.items()))


class _Number(float):
    """A number that is formatted with another decimal mark than Python's: `{ms:.1f}` gives `0,3`."""

    mark: str

    def __new__(cls, value: float, mark: str) -> _Number:
        number = super().__new__(cls, value)
        number.mark = mark
        return number

    def __format__(self, format_spec: str) -> str:
        return super().__format__(format_spec).replace(".", self.mark)


def _written(values: Mapping[str, object], language: str) -> Mapping[str, object]:
    """The values of a text's `{names}`, floats as `language` writes them; pictures fill in thousands of texts."""
    mark = _DECIMAL_MARKS.get(language)
    if mark is None:
        return values
    return {name: _Number(value, mark) if isinstance(value, float) else value for name, value in values.items()}


class Filled(Text):
    """A text without holes: a brace in it is what a client or a server wrote, and stays."""

    __slots__ = ()


def filled(text: Text, /, **values: object) -> Text:
    """`text` with its `{names}` filled in, in every language; a value that is a `Text` appears in its own language.

    What is filled already comes back as it is.
    """
    if isinstance(text, Filled):
        return text

    def into(language: str) -> str:
        spoken = {name: value.into(language) if isinstance(value, Text) else value for name, value in values.items()}
        return text.into(language).format(**_written(spoken, language))

    return Filled(**{language: into(language) for language in sorted({*text.languages, *LANGUAGES})})


def counted(count: int, one: Text, many: Text) -> Text:
    """`{count}` of something: the wording for one where there is one, else that for none and many.

    Turkish has one wording for all numbers.
    """
    return filled(one if count == 1 else many, count=count)


def verbatim(words: str) -> Text:
    """What somebody wrote, the same in every language, braces and all."""
    return Filled(**dict.fromkeys(LANGUAGES, words))


def shortened(text: str, longest: int) -> str:
    """`text`, or where it has more than `longest` characters its beginning and `…`, together so many."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def decimal(value: float, language: str | None = None, *, digits: int | None = None) -> str:
    """A number as it is written in `language` (the current one if None): `1.5`, in Turkish `1,5`.

    Args:
        value: the number.
        language: whose decimal mark.
        digits: how many decimals; no needless zeros if left out.
    """
    number = _Number(value, _DECIMAL_MARKS.get(language or current_language(), "."))
    return f"{number:g}" if digits is None else f"{number:.{digits}f}"


_DECIMAL_MARKS = {"tr": ","}
