"""predict(): a question before a cell runs, which the run answers; ask_again(): what was wrong, in other words."""

from wslab.predictions.again import Review, ask_again
from wslab.predictions.asking import Outcome, Prediction, predict
from wslab.predictions.catalogue import PredictionError
from wslab.predictions.question import AnswerError

__all__ = ["AnswerError", "Outcome", "Prediction", "PredictionError", "Review", "ask_again", "predict"]
