"""The numbers that are given to `wslab load`, and their bounds."""

from __future__ import annotations

from collections.abc import Sequence

from wslab.errors import LabError
from wslab.language import Text

MOST_CLIENTS = 10_000
"""Clients that are connected at once."""
MOST_PROCESSES = 32
MOST_MESSAGES = 10_000
"""Messages for each number of clients."""

_NO_NUMBER = Text(
    en="{option} takes a whole number from 1 to {most}; “{given}” is none.",
    tr="{option} 1 ile {most} arasında bir tam sayı ister; “{given}” böyle bir sayı değil.",
)


def whole_numbers(option: str, given: Sequence[str], most: int) -> list[int]:
    """What was given to an option, as numbers.

    Args:
        option: its name, such as `--sockets`.
        given: what was written behind it, each time.
        most: the largest number that it takes; the smallest is 1.

    Raises:
        LabError: something is no such number.
    """
    numbers = []
    for text in given:
        try:
            number = int(text)
        except ValueError:
            number = 0
        if not 1 <= number <= most:
            raise LabError(_NO_NUMBER, option=option, most=most, given=text)
        numbers.append(number)
    return numbers
