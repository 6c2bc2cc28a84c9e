"""What accompanies a learner: predictions, the progress that is kept, and the check of the environment."""

from wslab.learning.asking import Outcome, Prediction, predict
from wslab.learning.catalogue import PredictionError
from wslab.learning.environment import Finding, Report, State, doctor
from wslab.learning.overview import LabProgress, Progress, UnitProgress, progress
from wslab.learning.progress_file import Answer, Attempt, Hint, Store, store
from wslab.learning.question import AnswerError

__all__ = [
    "Answer",
    "AnswerError",
    "Attempt",
    "Finding",
    "Hint",
    "LabProgress",
    "Outcome",
    "Prediction",
    "PredictionError",
    "Progress",
    "Report",
    "State",
    "Store",
    "UnitProgress",
    "doctor",
    "predict",
    "progress",
    "store",
]
