"""`wslab load`: how long a broadcast takes to how many clients, in how many processes, and what a socket costs."""

from wslab.load.measuring import MOST, Row, measure, with_room_for
from wslab.load.picture import picture, table

__all__ = ["MOST", "Row", "measure", "picture", "table", "with_room_for"]
