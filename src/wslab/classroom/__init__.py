"""classroom(): a server that is shared with a class, for its instructor: who has joined, and votes on predictions."""

from wslab.classroom.live_class import Classroom, ClassroomError, classroom
from wslab.classroom.own_questions import OwnQuestionError
from wslab.classroom.tally import Bar, Tally
from wslab.classroom.voting import Vote

__all__ = ["Bar", "Classroom", "ClassroomError", "OwnQuestionError", "Tally", "Vote", "classroom"]
