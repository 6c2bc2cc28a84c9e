"""What a learner has done so far: the file that keeps it, its summary, and the map of the course."""

from wslab.progress.database import Answer, Attempt, Hint, Store, store
from wslab.progress.stations import LabProgress, UnitProgress
from wslab.progress.summary import Progress, progress

__all__ = ["Answer", "Attempt", "Hint", "LabProgress", "Progress", "Store", "UnitProgress", "progress", "store"]
