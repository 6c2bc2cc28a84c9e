"""classroom(): a server that is shared with a room, as its instructor sees it: who is in, and votes on predictions."""

from wslab.classroom.room import Classroom, ClassroomError, classroom
from wslab.classroom.tally import Bar, Tally
from wslab.classroom.voting import Vote

__all__ = ["Bar", "Classroom", "ClassroomError", "Tally", "Vote", "classroom"]
