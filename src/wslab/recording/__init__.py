"""record(): a film of a running event loop, and the picture in which a class sees who held it."""

from wslab.recording.film import Recording, compare
from wslab.recording.hook import RecordingError
from wslab.recording.recorder import Recorder, record
from wslab.recording.signals import Signal
from wslab.recording.trace import (
    Block,
    Dropped,
    Idle,
    Internal,
    Lane,
    Late,
    Mark,
    Place,
    Step,
    Trace,
    Unawaited,
)

__all__ = [
    "Block",
    "Dropped",
    "Idle",
    "Internal",
    "Lane",
    "Late",
    "Mark",
    "Place",
    "Recorder",
    "Recording",
    "RecordingError",
    "Signal",
    "Step",
    "Trace",
    "Unawaited",
    "compare",
    "record",
]
