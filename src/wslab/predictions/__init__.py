"""predict(): a question before a cell runs, which the run answers."""

from wslab.predictions.asking import Outcome, Prediction, predict
from wslab.predictions.catalogue import PredictionError
from wslab.predictions.question import AnswerError

__all__ = ["AnswerError", "Outcome", "Prediction", "PredictionError", "predict"]
