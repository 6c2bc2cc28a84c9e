"""`wslab load`: how long a broadcast takes to how many clients, in how many processes, and what a socket costs."""

from wslab.load.measuring import Row, measure, with_room_for
from wslab.load.numbers import MOST_CLIENTS, MOST_MESSAGES, MOST_PROCESSES, whole_numbers
from wslab.load.picture import picture, table

__all__ = [
    "MOST_CLIENTS",
    "MOST_MESSAGES",
    "MOST_PROCESSES",
    "Row",
    "measure",
    "picture",
    "table",
    "whole_numbers",
    "with_room_for",
]
